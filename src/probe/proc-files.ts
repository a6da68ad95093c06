/** The files of /proc and /sys that say what the kernel adds to a CPU. */

export interface CpuinfoFacts {
  /** Flags that every CPU has, in the file's order; undefined: the file has none. */
  readonly flags: readonly string[] | undefined;
  readonly microcode: string | undefined;
  /** What differs between CPUs, for people. */
  readonly remarks: readonly string[];
}

function valuesOf(cpuinfo: string, key: string): string[] {
  const values = new Set<string>();
  for (const line of cpuinfo.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).trim() === key) values.add(line.slice(colon + 1).trim());
  }
  return [...values];
}

/** Of /proc/cpuinfo. */
export function readCpuinfo(cpuinfo: string): CpuinfoFacts {
  const remarks: string[] = [];
  const lists = valuesOf(cpuinfo, 'flags').map((value) => value.split(/\s+/).filter(Boolean));
  const sets = lists.map((list) => new Set(list));
  const flags = lists[0]?.filter((flag) => sets.every((set) => set.has(flag)));
  if (lists.length > 1)
    remarks.push(
      '/proc/cpuinfo shows different flags for some CPUs; only those of all CPUs count.',
    );
  const microcodes = valuesOf(cpuinfo, 'microcode');
  if (microcodes.length > 1)
    remarks.push(`The CPUs run different microcode: ${microcodes.join(', ')}.`);
  return { flags, microcode: microcodes[0], remarks };
}

export interface AuxiliaryFacts {
  readonly hwcap?: bigint;
  readonly hwcap2?: bigint;
  readonly minSigStackBytes?: number;
}

const AT_NULL = 0n;
const AT_HWCAP = 16n;
const AT_HWCAP2 = 26n;
const AT_MINSIGSTKSZ = 51n;

/** Of /proc/self/auxv: pairs of 64-bit words, ended by AT_NULL (getauxval(3), linux/auxvec.h). */
export function readAuxiliaryVector(bytes: Uint8Array): AuxiliaryFacts {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<bigint, bigint>();
  for (let at = 0; at + 16 <= words.byteLength; at += 16) {
    const type = words.getBigUint64(at, true);
    if (type === AT_NULL) break;
    entries.set(type, words.getBigUint64(at + 8, true));
  }
  const hwcap = entries.get(AT_HWCAP);
  const hwcap2 = entries.get(AT_HWCAP2);
  const minSigStack = entries.get(AT_MINSIGSTKSZ);
  return {
    ...(hwcap === undefined ? {} : { hwcap }),
    ...(hwcap2 === undefined ? {} : { hwcap2 }),
    ...(minSigStack === undefined ? {} : { minSigStackBytes: Number(minSigStack) }),
  };
}

/** The C library's file in /proc/self/maps; glibc before 2.34 is mapped by its version's name. */
export function findLibc(maps: string): string | undefined {
  for (const line of maps.split('\n')) {
    const slash = line.indexOf('/');
    if (slash < 0) continue;
    const path = line.slice(slash);
    if (/^libc(?:\.so\.6|-2\.\d{1,3}\.so)$/.test(path.slice(path.lastIndexOf('/') + 1)))
      return path;
  }
  return undefined;
}
