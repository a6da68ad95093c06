/** Mask files, good and bad. Built and run by test/native/supervisor.test.ts. */
#include "mask.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <thread>

#include "../probe/expect.h"

namespace cpugate {
namespace {

using Bytes = std::vector<uint8_t>;

MaskRow row(uint32_t leaf, uint32_t first, uint32_t last, uint32_t flags = 0) {
  return {.leaf = leaf,
          .firstSubleaf = first,
          .lastSubleaf = last,
          .flags = flags,
          .keep = {},
          .set = {}};
}

const std::vector<MaskRow> kRows = {
    row(0, 0, ~0u), row(1, 0, ~0u, kRowPerCpu), row(7, 0, 0),       row(7, 1, 2),
    row(7, 5, ~0u), row(0x80000000, 3, 3),      row(~0u, ~0u, ~0u),
};

void fixCrc(Bytes& bytes) {
  std::memset(bytes.data() + offsetof(MaskHeader, crc32), 0, sizeof(uint32_t));
  const uint32_t sum = crc32(bytes.data(), bytes.size());
  std::memcpy(bytes.data() + offsetof(MaskHeader, crc32), &sum, sizeof sum);
}

Bytes fileOf(const std::vector<MaskRow>& rows,
             const std::function<void(MaskHeader&)>& change = {}) {
  MaskHeader header{};
  header.version = kMaskVersion;
  header.rowCount = static_cast<uint32_t>(rows.size());
  std::memcpy(header.magic, kMaskMagic, sizeof kMaskMagic);
  header.fileBytes = static_cast<uint32_t>(sizeof header + rows.size() * sizeof(MaskRow));
  if (change) change(header);
  Bytes bytes(sizeof header + rows.size() * sizeof(MaskRow));
  std::memcpy(bytes.data(), &header, sizeof header);
  if (!rows.empty())
    std::memcpy(bytes.data() + sizeof header, rows.data(), rows.size() * sizeof(MaskRow));
  fixCrc(bytes);
  return bytes;
}

/** The error; empty: it was taken. */
std::string faultOf(const Bytes& bytes) {
  std::string error = "untouched";
  const auto mask = parseMask(bytes.data(), bytes.size(), &error);
  return mask ? "" : error;
}

void checksumsAreZlibs(Expectations& expect) {
  const char* digits = "123456789";  // The check value of every catalogue of CRCs.
  expect.that(crc32(reinterpret_cast<const uint8_t*>(digits), 9) == 0xcbf43926, "check value");
  expect.that(crc32(nullptr, 0) == 0, "of nothing");
}

void goodFilesAreTaken(Expectations& expect) {
  const Bytes bytes = fileOf(kRows, [](MaskHeader& header) {
    header.hwcapKeep = 1;
    header.minSigStackBytes = 11952;
    header.xcr0 = 0x602e7;
  });
  // Where a mapped or received file may lie.
  for (size_t shift = 0; shift < 8; ++shift) {
    Bytes shifted(shift);
    shifted.insert(shifted.end(), bytes.begin(), bytes.end());
    std::string error;
    const auto mask = parseMask(shifted.data() + shift, bytes.size(), &error);
    expect.that(mask && error.empty() && mask->rows.size() == kRows.size(), "all rows");
    if (!mask) continue;
    expect.that(std::memcmp(mask->rows.data(), kRows.data(), kRows.size() * sizeof(MaskRow)) == 0,
                "as they were written");
    expect.that(mask->header.minSigStackBytes == 11952 && mask->header.xcr0 == 0x602e7, "header");
  }
  expect.that(faultOf(fileOf({})).empty(), "a mask that shows nothing is one");
}

struct Lookup {
  uint32_t leaf;
  uint32_t subleaf;
  int place;  // -1: no row
};

const Lookup kLookups[] = {
    {0, 0, 0},           {0, ~0u, 0},         {1, 77, 1},         {2, 0, -1},
    {6, ~0u, -1},        {7, 0, 2},           {7, 1, 3},          {7, 2, 3},
    {7, 3, -1},          {7, 4, -1},          {7, 5, 4},          {7, ~0u, 4},
    {8, 0, -1},          {0x80000000, 2, -1}, {0x80000000, 3, 5}, {0x80000000, 4, -1},
    {0x7fffffff, 3, -1}, {0xfffffffe, 0, -1}, {~0u, ~0u, 6},      {~0u, 0xfffffffe, -1},
};

void rowsAreFound(Expectations& expect) {
  const Mask mask{.header = {}, .rows = kRows};
  for (const Lookup& test : kLookups) {
    const MaskRow* found = mask.find(test.leaf, test.subleaf);
    const int place = found == nullptr ? -1 : static_cast<int>(found - mask.rows.data());
    expect.that(place == test.place,
                std::to_string(test.leaf) + "." + std::to_string(test.subleaf));
  }
  expect.that(Mask{}.find(0, 0) == nullptr, "none in an empty mask");
}

struct BadHeader {
  const char* fault;
  void (*change)(MaskHeader&);
};

const BadHeader kBadHeaders[] = {
    {"is not a mask file", [](MaskHeader& h) { h.magic[7] = 'k'; }},
    {"version 0", [](MaskHeader& h) { h.version = 0; }},
    {"version 2", [](MaskHeader& h) { h.version = 2; }},
    {"flags", [](MaskHeader& h) { h.flags = 1; }},
    {"flags", [](MaskHeader& h) { h.flags = uint64_t{1} << 63; }},
    {"rows, more than 4096", [](MaskHeader& h) { h.rowCount = 4097; }},
    {"rows, more than 4096", [](MaskHeader& h) { h.rowCount = ~0u; }},
    {"bytes where 8 rows take", [](MaskHeader& h) { ++h.rowCount; }},
    {"bytes where 0 rows take", [](MaskHeader& h) { h.rowCount = 0; }},
    {"bytes where 7 rows take", [](MaskHeader& h) { ++h.fileBytes; }},
    {"bytes where 7 rows take", [](MaskHeader& h) { h.fileBytes = 0; }},
};

struct BadRows {
  const char* fault;
  std::vector<MaskRow> rows;
};

const BadRows kBadRows[] = {
    {"row 0 has flags", {row(1, 0, 0, 2)}},
    {"row 1 has flags", {row(1, 0, 0), row(2, 0, 0, kRowPerCpu | 1u << 31)}},
    {"row 0 ends before it begins", {row(1, 1, 0)}},
    {"row 1 ends before it begins", {row(1, 0, 0), row(1, ~0u, 1)}},
    {"row 1 isn't after", {row(2, 0, 0), row(1, 0, 0)}},
    {"row 1 isn't after", {row(2, 1, 1), row(2, 0, 0)}},
    {"row 1 isn't after", {row(2, 0, 0), row(2, 0, 0)}},
    {"row 1 isn't after", {row(2, 0, 5), row(2, 5, 6)}},
    {"row 2 isn't after", {row(2, 0, 0), row(2, 1, ~0u), row(2, 2, 3)}},
    {"row 1 isn't after", {row(2, 0, ~0u), row(2, 0, ~0u)}},
};

void badFilesAreRefused(Expectations& expect) {
  for (const auto& [fault, change] : kBadHeaders) {
    const std::string got = faultOf(fileOf(kRows, change));
    expect.that(got.find(fault) != std::string::npos, std::string(fault) + ", not " + got);
    expect.that(got.find('\n') == std::string::npos, "one line");
  }
  for (const auto& [fault, rows] : kBadRows) {
    const std::string got = faultOf(fileOf(rows));
    expect.that(got.find(fault) != std::string::npos, std::string(fault) + ", not " + got);
  }
}

void rowsHaveALimit(Expectations& expect) {
  std::vector<MaskRow> rows;
  for (uint32_t leaf = 0; leaf < kMaskMaxRows; ++leaf) rows.push_back(row(leaf, 0, 0));
  expect.that(faultOf(fileOf(rows)).empty(), "the most that there may be");
  rows.push_back(row(kMaskMaxRows, 0, 0));
  expect.that(!faultOf(fileOf(rows)).empty(), "one more");
}

void lengthsAreExact(Expectations& expect) {
  const Bytes bytes = fileOf(kRows);
  for (size_t size = 0; size < bytes.size(); ++size) {
    // A copy of just that size: reading behind its end is an error that the sanitizer sees.
    const Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    expect.that(!faultOf(cut).empty(), "cut to " + std::to_string(size));
  }
  Bytes longer = bytes;
  longer.push_back(0);
  expect.that(!faultOf(longer).empty(), "a byte more");
  fixCrc(longer);
  expect.that(!faultOf(longer).empty(), "a byte more, with its checksum");
}

bool isSound(const Mask& mask) {
  for (size_t place = 0; place < mask.rows.size(); ++place) {
    const MaskRow& one = mask.rows[place];
    if (one.firstSubleaf > one.lastSubleaf || (one.flags & ~kRowFlagsKnown) != 0) return false;
    if (mask.find(one.leaf, one.firstSubleaf) != &one) return false;
    if (mask.find(one.leaf, one.lastSubleaf) != &one) return false;
  }
  return mask.header.version == kMaskVersion && mask.header.flags == 0 &&
         mask.header.rowCount == mask.rows.size();
}

/** Each byte of a file becomes each other byte. */
void changedBytesDoNoHarm(Expectations& expect) {
  const Bytes good = fileOf(kRows);
  int taken = 0;
  int unsound = 0;
  int harmless = 0;
  for (size_t at = 0; at < good.size(); ++at)
    for (unsigned flip = 1; flip < 256; ++flip) {
      Bytes bytes = good;
      bytes[at] = static_cast<uint8_t>(bytes[at] ^ flip);
      taken += faultOf(bytes).empty() ? 1 : 0;
      fixCrc(bytes);
      std::string error;
      const auto mask = parseMask(bytes.data(), bytes.size(), &error);
      if (mask) ++(isSound(*mask) ? harmless : unsound);
    }
  expect.that(taken == 0, "the checksum sees every single one");
  expect.that(unsound == 0, "with a right checksum: refused, or a sound mask");
  expect.that(harmless > 0, "as where bits are kept");
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const Bytes& bytes) {
    const int fd = mkstemp(path_);
    if (write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) abort();
    close(fd);
  }
  ~TemporaryFile() { unlink(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const char* path() const { return path_; }

 private:
  char path_[32] = "/tmp/cpugate-mask-XXXXXX";
};

std::string faultOfPath(const char* path) {
  std::string error;
  return readMask(path, &error) ? "" : error;
}

void filesAreRead(Expectations& expect) {
  const Bytes good = fileOf(kRows);
  expect.that(faultOfPath(TemporaryFile(good).path()).empty(), "a good one");
  Bytes longer = good;
  longer.push_back(0);
  expect.that(!faultOfPath(TemporaryFile(longer).path()).empty(), "one that is too long");
  expect.that(faultOfPath(TemporaryFile({}).path()).find("is not a mask file") == 0,
              "an empty one");
  expect.that(faultOfPath("/nowhere/mask") == "can't be opened: No such file or directory", "none");
  expect.that(faultOfPath("/tmp") == "is neither a file nor a pipe", "a folder");
  expect.that(faultOfPath("/dev/zero") == "is neither a file nor a pipe", "an endless device");
}

/** What readMask says of a pipe through which somebody sends bytes, time and again if `endless`. */
std::string faultOfPipe(const Bytes& bytes, bool endless) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) abort();
  std::thread writer([&] {
    while (write(ends[1], bytes.data(), bytes.size()) > 0 && endless) {
    }
    close(ends[1]);
  });
  const std::string path = "/proc/self/fd/" + std::to_string(ends[0]);
  std::string fault = faultOfPath(path.c_str());
  close(ends[0]);
  writer.join();
  return fault;
}

void pipesAreRead(Expectations& expect) {
  signal(SIGPIPE, SIG_IGN);
  const Bytes good = fileOf(kRows);
  expect.that(faultOfPipe(good, false).empty(), "a good mask");
  expect.that(!faultOfPipe(good, true).empty(), "an endless one is refused, in finite time");
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::checksumsAreZlibs(expect);
  cpugate::goodFilesAreTaken(expect);
  cpugate::rowsAreFound(expect);
  cpugate::badFilesAreRefused(expect);
  cpugate::rowsHaveALimit(expect);
  cpugate::lengthsAreExact(expect);
  cpugate::changedBytesDoNoHarm(expect);
  cpugate::filesAreRead(expect);
  cpugate::pipesAreRead(expect);
  return expect.conclude();
}
