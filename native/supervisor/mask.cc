#include "mask.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "scoped_fd.h"

namespace cpugate {
namespace {

constexpr size_t kMaxMaskBytes = sizeof(MaskHeader) + kMaskMaxRows * sizeof(MaskRow);

constexpr std::array<uint32_t, 256> makeCrcTable() {
  constexpr uint32_t kReflectedPolynomial = 0xedb88320;
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1) ^ ((value & 1) != 0 ? kReflectedPolynomial : 0);
    table[byte] = value;
  }
  return table;
}

constexpr auto kCrcTable = makeCrcTable();

/** Begins with ~0; the end inverts it once more. */
uint32_t extendCrc(uint32_t crc, const uint8_t* bytes, size_t size) {
  for (size_t at = 0; at < size; ++at) crc = (crc >> 8) ^ kCrcTable[(crc ^ bytes[at]) & 0xff];
  return crc;
}

/** Of a file that has a whole header, as if its own field were 0. */
uint32_t maskCrc(const uint8_t* bytes, size_t size) {
  constexpr size_t kBefore = offsetof(MaskHeader, crc32);
  constexpr uint8_t kZeros[sizeof(MaskHeader::crc32)] = {};
  constexpr size_t kBehind = kBefore + sizeof(kZeros);
  uint32_t crc = extendCrc(~0U, bytes, kBefore);
  crc = extendCrc(crc, kZeros, sizeof(kZeros));
  return ~extendCrc(crc, bytes + kBehind, size - kBehind);
}

/** What is wrong with a header whose file has `size` bytes; empty: nothing. */
std::string faultOf(const MaskHeader& header, size_t size) {
  if (std::memcmp(header.magic, kMaskMagic, sizeof(kMaskMagic)) != 0) return "is not a mask file";
  if (header.version != kMaskVersion)
    return "is a mask of version " + std::to_string(header.version) + ", not " +
           std::to_string(kMaskVersion) + ": make it with this version of cpugate";
  if (header.rowCount > kMaskMaxRows)
    return "has " + std::to_string(header.rowCount) + " rows, more than " +
           std::to_string(kMaskMaxRows);
  const size_t expected = sizeof(MaskHeader) + header.rowCount * sizeof(MaskRow);
  if (size != expected || header.fileBytes != expected)
    return "has " + std::to_string(size) + " bytes where " + std::to_string(header.rowCount) +
           " rows take " + std::to_string(expected);
  if (header.flags != 0) return "has flags that this version doesn't know";
  return {};
}

bool isBehind(const MaskRow& row, const MaskRow& before) {
  return before.leaf < row.leaf ||
         (before.leaf == row.leaf && before.lastSubleaf < row.firstSubleaf);
}

std::string faultOf(const std::vector<MaskRow>& rows) {
  for (size_t place = 0; place < rows.size(); ++place) {
    const MaskRow& row = rows[place];
    const std::string which = "row " + std::to_string(place);
    if ((row.flags & ~kRowFlagsKnown) != 0) return which + " has flags that aren't known";
    if (row.firstSubleaf > row.lastSubleaf) return which + " ends before it begins";
    if (place > 0 && !isBehind(row, rows[place - 1]))
      return which + " isn't after the row before it";
  }
  return {};
}

std::string errnoText(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

/** Whole, or one byte more than a mask can have. */
std::optional<std::vector<uint8_t>> readBounded(int fd) {
  std::vector<uint8_t> bytes(kMaxMaskBytes + 1);
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = read(fd, bytes.data() + filled, bytes.size() - filled);
    if (got == 0) break;
    if (got > 0)
      filled += static_cast<size_t>(got);
    else if (errno != EINTR)
      return std::nullopt;
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

const MaskRow* Mask::find(uint32_t leaf, uint32_t subleaf) const {
  const auto behind = std::upper_bound(
      rows.begin(), rows.end(), leaf, [subleaf](uint32_t wanted, const MaskRow& row) {
        return wanted < row.leaf || (wanted == row.leaf && subleaf < row.firstSubleaf);
      });
  if (behind == rows.begin()) return nullptr;
  const MaskRow& row = *(behind - 1);
  return row.leaf == leaf && subleaf <= row.lastSubleaf ? &row : nullptr;
}

std::optional<Mask> parseMask(const uint8_t* bytes, size_t size, std::string* error) {
  Mask mask;
  if (size < sizeof(MaskHeader)) {
    *error = "is not a mask file: it has only " + std::to_string(size) + " bytes";
    return std::nullopt;
  }
  std::memcpy(&mask.header, bytes, sizeof(MaskHeader));
  *error = faultOf(mask.header, size);
  if (error->empty() && maskCrc(bytes, size) != mask.header.crc32)
    *error = "is damaged: its checksum is wrong";
  if (!error->empty()) return std::nullopt;
  mask.rows.resize(mask.header.rowCount);
  if (!mask.rows.empty())
    std::memcpy(mask.rows.data(), bytes + sizeof(MaskHeader), size - sizeof(MaskHeader));
  *error = faultOf(mask.rows);
  if (!error->empty()) return std::nullopt;
  return mask;
}

std::optional<Mask> readMask(const char* path, std::string* error) {
  const ScopedFd fd(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat status = {};
  if (!fd.isOpen() || fstat(fd.get(), &status) != 0) {
    *error = errnoText("can't be opened");
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
    *error = "is neither a file nor a pipe";
    return std::nullopt;
  }
  const auto bytes = readBounded(fd.get());
  if (!bytes) {
    *error = errnoText("can't be read");
    return std::nullopt;
  }
  return parseMask(bytes->data(), bytes->size(), error);
}

uint32_t crc32(const uint8_t* bytes, size_t size) { return ~extendCrc(~0U, bytes, size); }

}  // namespace cpugate
