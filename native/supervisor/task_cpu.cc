#include "task_cpu.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>

namespace cpugate {
namespace {

ScopedFd openStat(pid_t tid) {
  // The thread's own folder: for the process' the kernel sums up the times of all its threads.
  char path[64];
  (void)std::snprintf(path, sizeof path, "/proc/%d/task/%d/stat", tid, tid);
  return ScopedFd(open(path, O_RDONLY | O_CLOEXEC));
}

std::optional<unsigned> readCpu(const ScopedFd& stat) {
  char text[2048];
  const ssize_t got = stat.isOpen() ? pread(stat.get(), text, sizeof text, 0) : -1;
  if (got <= 0) return std::nullopt;
  return cpuInStat({text, static_cast<size_t>(got)});
}

}  // namespace

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

std::optional<unsigned> TaskCpu::of(pid_t tid) {
  if (tid == tid_)
    if (const auto cpu = readCpu(stat_)) return cpu;
  // Another thread, or one that got a dead one's number: what is open stays the dead one's.
  stat_ = openStat(tid);
  tid_ = tid;
  return readCpu(stat_);
}

}  // namespace cpugate
