/**
 * CRIU's cpuinfo.img: what `criu cpuinfo dump` writes, and `criu dump --cpu-cap` beside the tasks.
 *
 *     u32 0x54564319   IMG_COMMON_MAGIC; images before version 1.1 lack it
 *     u32 0x61404013   CPUINFO_MAGIC
 *     u32 length, then one cpuinfo_entry of that many bytes, then nothing
 *
 * all little-endian. The entry is a protocol buffer (proto2): field 1 cpuinfo_x86_entry, 2 ppc64, 3
 * s390. Source: images/cpuinfo.proto, criu/include/magic.h, criu/protobuf.c.
 */

export const COMMON_MAGIC = 0x54564319;
export const CPUINFO_MAGIC = 0x61404013;

/** Field numbers of cpuinfo_x86_entry. */
export const FIELD = {
  vendor: 1,
  family: 2,
  model: 3,
  stepping: 4,
  version: 5,
  words: 6,
  modelId: 7,
  mask: 8,
  size: 9,
  sizeMax: 10,
} as const;

export const VENDORS = ['unknown', 'intel', 'amd'] as const;
