#include "task_cpu.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>

#include "scoped_fd.h"

namespace cpugate {
namespace {

/** PTRACE_GET_RSEQ_CONFIGURATION and what it fills (linux/ptrace.h, from 5.13 on). */
constexpr int kGetRseqConfiguration = 0x420f;
struct RseqConfiguration {
  uint64_t address;
  uint32_t size;
  uint32_t signature;
  uint32_t flags;
  uint32_t padding;
};

/** The first words of struct rseq (linux/rseq.h). */
struct RseqWords {
  uint32_t cpuIdStart;
  /** Negative: not in use. */
  int32_t cpuId;
};

}  // namespace

std::optional<unsigned> cpuOfTask(pid_t tid) {
  if (const auto cpu = cpuByRseq(tid)) return cpu;
  return cpuByStat(tid);
}

std::optional<unsigned> cpuInStat(std::string_view text) {
  // Field 2 is the task's name, which it chooses: brackets and blanks as well.
  size_t at = text.rfind(')');
  for (int field = 2; field < 39 && at != std::string_view::npos; ++field)
    at = text.find(' ', at + 1);
  if (at == std::string_view::npos) return std::nullopt;
  unsigned cpu = 0;
  const char* end = text.data() + text.size();
  const auto [behind, fault] = std::from_chars(text.data() + at + 1, end, cpu);
  if (fault != std::errc{} || behind == end || *behind != ' ') return std::nullopt;
  return cpu;
}

std::optional<unsigned> cpuByStat(pid_t tid) {
  // The thread's own folder: for the process' the kernel sums up the times of all its threads.
  char path[64];
  (void)std::snprintf(path, sizeof path, "/proc/%d/task/%d/stat", tid, tid);
  const ScopedFd fd(open(path, O_RDONLY | O_CLOEXEC));
  char text[2048];
  const ssize_t got = fd.isOpen() ? read(fd.get(), text, sizeof text) : -1;
  if (got <= 0) return std::nullopt;
  return cpuInStat({text, static_cast<size_t>(got)});
}

std::optional<unsigned> cpuByRseq(pid_t tid) {
  RseqConfiguration area = {};
  if (syscall(SYS_ptrace, kGetRseqConfiguration, tid, sizeof area, &area) < 0 || area.address == 0)
    return std::nullopt;
  RseqWords words = {};
  static_assert(sizeof words == sizeof(long), "one peek");
  if (syscall(SYS_ptrace, PTRACE_PEEKDATA, tid, area.address, &words) < 0 || words.cpuId < 0)
    return std::nullopt;
  return static_cast<unsigned>(words.cpuId);
}

}  // namespace cpugate
