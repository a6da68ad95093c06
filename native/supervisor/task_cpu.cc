#include "task_cpu.h"

#include <limits>

namespace cpugate {
namespace {

/** "processor" in proc_pid_stat(5). */
constexpr int kCpuPlace = 39;

std::optional<unsigned> asCpu(std::optional<uint64_t> number) {
  if (!number || *number > std::numeric_limits<unsigned>::max()) return std::nullopt;
  return static_cast<unsigned>(*number);
}

}  // namespace

std::optional<unsigned> cpuInStat(std::string_view text) {
  return asCpu(numberInStat(text, kCpuPlace));
}

std::optional<unsigned> TaskCpu::of(pid_t tid) {
  if (tid == tid_)
    if (const auto cpu = asCpu(stat_.number(kCpuPlace))) return cpu;
  // Another thread, or one that got a dead one's number: what is open stays the dead one's.
  stat_ = StatFile(tid);
  tid_ = tid;
  return asCpu(stat_.number(kCpuPlace));
}

}  // namespace cpugate
