/** The mask file in memory; its format is described in native/include/cpugate_mask.h. */
#ifndef CPUGATE_SUPERVISOR_MASK_H_
#define CPUGATE_SUPERVISOR_MASK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cpugate_mask.h"

namespace cpugate {

struct Mask {
  MaskHeader header{};
  /** Ordered by leaf and first subleaf, disjoint. */
  std::vector<MaskRow> rows;

  /** The row for a leaf and subleaf, or nullptr: it answers zeros. */
  const MaskRow* find(uint32_t leaf, uint32_t subleaf) const;
};

/**
 * Reads and checks a mask file completely. Where the result is empty, `error` says what is wrong,
 * in one line that continues "FILE ".
 */
std::optional<Mask> parseMask(const uint8_t* bytes, size_t size, std::string* error);

/** The same from a regular file or a pipe, of which no more is read than a mask can have. */
std::optional<Mask> readMask(const char* path, std::string* error);

/** CRC-32 as zlib's: of IEEE 802.3, reflected, inverted before and after. */
uint32_t crc32(const uint8_t* bytes, size_t size);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_MASK_H_
