/**
 * The mask file: what CPUID shall show, as the supervisor reads it. Described here once; the
 * compiler in src/mask/ writes it, and a test holds its numbers against this header.
 *
 * Little-endian, all fields naturally aligned, no padding: a header, then rows ordered by leaf and
 * first subleaf, ranges of one leaf disjoint. CPUID of (leaf, subleaf) answers, register by
 * register,
 *
 *     (live & keep) | set
 *
 * where live is what the CPU that the task runs on answers. A leaf or subleaf that no row covers
 * answers zeros: nobody has said that it may be seen. A reader refuses a version, flag, size or
 * order that it doesn't know, whatever else is right: half a mask is none.
 */
#ifndef CPUGATE_MASK_H_
#define CPUGATE_MASK_H_

#include <cstddef>
#include <cstdint>

namespace cpugate {

inline constexpr char kMaskMagic[8] = {'C', 'P', 'U', 'G', 'M', 'A', 'S', 'K'};
inline constexpr uint32_t kMaskVersion = 1;
inline constexpr uint32_t kMaskMaxRows = 4096;

struct MaskHeader {
  char magic[8];
  uint32_t version;
  /** Of the whole file. */
  uint32_t fileBytes;
  /** CRC-32 (IEEE 802.3, as zlib's) of the whole file with this field 0. */
  uint32_t crc32;
  uint32_t rowCount;
  /** None is defined yet: must be 0. */
  uint64_t flags;
  /** AT_HWCAP and AT_HWCAP2 become (value & keep) | set at exec. */
  uint64_t hwcapKeep;
  uint64_t hwcapSet;
  uint64_t hwcap2Keep;
  uint64_t hwcap2Set;
  /** AT_MINSIGSTKSZ becomes at least this; 0 leaves it alone. Bytes. */
  uint64_t minSigStackBytes;
  /** State components that tasks may be granted (ARCH_REQ_XCOMP_PERM), by bit. */
  uint64_t xcompPermitted;
  /** State components that the baseline has (XCR0's bits); informs, enforces nothing. */
  uint64_t xcr0;
};

enum MaskRowFlag : uint32_t {
  /** The answer differs from CPU to CPU: ask the one that the task runs on. */
  kRowPerCpu = 1u << 0,
};
inline constexpr uint32_t kRowFlagsKnown = kRowPerCpu;

/** Registers in the order EAX, EBX, ECX, EDX. */
struct MaskRow {
  uint32_t leaf;
  /** Inclusive; leaves that ignore ECX have 0 … 0xffffffff. */
  uint32_t firstSubleaf;
  uint32_t lastSubleaf;
  uint32_t flags;
  uint32_t keep[4];
  uint32_t set[4];
};

static_assert(sizeof(MaskHeader) == 88 && offsetof(MaskHeader, flags) == 24 &&
              offsetof(MaskHeader, xcr0) == 80);
static_assert(sizeof(MaskRow) == 48 && offsetof(MaskRow, keep) == 16 &&
              offsetof(MaskRow, set) == 32);

}  // namespace cpugate

#endif  // CPUGATE_MASK_H_
