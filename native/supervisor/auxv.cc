#include "auxv.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "../cpu/auxv_types.h"
#include "scoped_fd.h"

namespace cpugate {

namespace {

/**
 * Arguments may fill a quarter of the stack's limit,
 * 6 MiB at most (fs/exec.c), and each has a pointer.
 */
constexpr uint64_t kFarthest = 64u << 20;

/** Reads words of the task's own width, one after the other, a page at a time. */
class WordReader {
 public:
  WordReader(pid_t tid, uint64_t at, bool is32)
      : tid_(tid), at_(at), width_(is32 ? 4 : 8), last_(at + kFarthest) {}

  bool next(uint64_t* word) {
    if (used_ + width_ > filled_ && !fill()) return false;
    *word = 0;
    memcpy(word, page_ + used_, width_);
    used_ += width_;
    at_ += width_;
    return true;
  }

  uint64_t at() const { return at_; }
  unsigned width() const { return width_; }

 private:
  bool fill() {
    if (at_ >= last_) return false;
    filled_ = readMemory(tid_, at_, page_, std::min<size_t>(sizeof page_, 4096 - at_ % 4096));
    used_ = 0;
    return filled_ >= width_;
  }

  pid_t tid_;
  uint64_t at_;
  unsigned width_;
  uint64_t last_;
  size_t used_ = 0;
  size_t filled_ = 0;
  char page_[4096];
};

uint64_t maskedValue(uint64_t type, uint64_t value, const MaskHeader& mask) {
  switch (type) {
    case AT_HWCAP:
      return (value & mask.hwcapKeep) | mask.hwcapSet;
    case AT_HWCAP2:
      return (value & mask.hwcap2Keep) | mask.hwcap2Set;
    case AT_MINSIGSTKSZ:
      return std::max(value, mask.minSigStackBytes);
    default:
      return value;
  }
}

}  // namespace

uint64_t maskAuxv(pid_t tid, const Registers& atEntry, const MaskHeader& mask) {
  WordReader words(tid, atEntry.rsp, atEntry.cs == kCode32);
  uint64_t count, word;
  if (!words.next(&count)) return 0;
  for (uint64_t argument = 0; argument <= count; ++argument)
    if (!words.next(&word)) return 0;
  do
    if (!words.next(&word)) return 0;
  while (word != 0);
  uint64_t vdso = 0, type, value;
  while (words.next(&type) && type != AT_NULL && words.next(&value)) {
    if (type == AT_SYSINFO_EHDR) vdso = value;
    const uint64_t masked = maskedValue(type, value, mask);
    if (masked != value) writeMemory(tid, words.at() - words.width(), &masked, words.width());
  }
  return vdso;
}

uint64_t vdsoOf(pid_t pid, bool is32) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/auxv", pid);
  const ScopedFd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.isOpen()) return 0;
  char bytes[4096];
  const ssize_t got = read(file.get(), bytes, sizeof bytes);
  const size_t width = is32 ? 4 : 8;
  for (size_t at = 0; got > 0 && at + 2 * width <= static_cast<size_t>(got); at += 2 * width) {
    uint64_t type = 0, value = 0;
    memcpy(&type, bytes + at, width);
    memcpy(&value, bytes + at + width, width);
    if (type == AT_NULL) break;
    if (type == AT_SYSINFO_EHDR) return value;
  }
  return 0;
}

}  // namespace cpugate
