#include "affinity.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>

namespace cpugate {
namespace {

/** What the kernel's masks are made of. */
using Word = unsigned long;
constexpr unsigned kWordBits = 8 * sizeof(Word);

/** As long as the kernel's masks are; empty: errno says why. */
std::vector<Word> readAffinity() {
  for (size_t words = 1024 / kWordBits; words <= kMaxCpus / kWordBits; words *= 2) {
    std::vector<Word> mask(words);
    const long bytes = syscall(SYS_sched_getaffinity, 0, words * sizeof(Word), mask.data());
    if (bytes < 0 && errno == EINVAL) continue;  // The kernel's masks are longer.
    mask.resize(bytes < 0 ? 0 : static_cast<size_t>(bytes) / sizeof(Word));
    return mask;
  }
  return {};
}

int setAffinity(const std::vector<Word>& mask) {
  const long result = syscall(SYS_sched_setaffinity, 0, mask.size() * sizeof(Word), mask.data());
  return result == 0 ? 0 : errno;
}

}  // namespace

std::optional<std::vector<unsigned>> allowedCpus() {
  const std::vector<Word> mask = readAffinity();
  if (mask.empty()) return std::nullopt;
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < mask.size() * kWordBits; ++cpu)
    if (((mask[cpu / kWordBits] >> (cpu % kWordBits)) & 1) != 0) cpus.push_back(cpu);
  return cpus;
}

std::vector<unsigned> onlineCpus() {
  const int file = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  char text[4096];
  const ssize_t got = read(file, text, sizeof text);
  close(file);
  return got <= 0 ? std::vector<unsigned>{} : cpusOfList({text, static_cast<size_t>(got)});
}

/** Documentation/admin-guide/cputopology.rst. */
std::vector<unsigned> cpusOfList(std::string_view text) {
  std::vector<unsigned> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    unsigned first = 0;
    auto [behind, fault] = std::from_chars(at, end, first);
    if (fault != std::errc{}) return cpus;
    unsigned last = first;
    if (behind != end && *behind == '-') {
      const auto range = std::from_chars(behind + 1, end, last);
      if (range.ec != std::errc{}) return cpus;
      behind = range.ptr;
    }
    for (unsigned cpu = first; cpu <= last && cpu < kMaxCpus; ++cpu) cpus.push_back(cpu);
    if (behind == end || *behind != ',') return cpus;
    at = behind + 1;
  }
}

int moveTo(unsigned cpu) {
  if (cpu >= kMaxCpus) return EINVAL;
  std::vector<Word> mask(cpu / kWordBits + 1);
  mask.back() = Word{1} << (cpu % kWordBits);
  return setAffinity(mask);
}

bool runsOn(unsigned cpu) {
  unsigned now = 0;
  return syscall(SYS_getcpu, &now, nullptr, nullptr) == 0 && now == cpu;
}

AffinityKept::AffinityKept() : before_(readAffinity()) {}

AffinityKept::~AffinityKept() {
  if (!before_.empty()) setAffinity(before_);
}

}  // namespace cpugate
