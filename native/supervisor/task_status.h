/** What the kernel tells of a thread in /proc/TID/status. */
#ifndef CPUGATE_SUPERVISOR_TASK_STATUS_H_
#define CPUGATE_SUPERVISOR_TASK_STATUS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace cpugate {

/** All of it, as it was at one moment (proc(5)). */
class TaskStatus {
 public:
  /** Of a thread that is gone, nothing is told. */
  explicit TaskStatus(pid_t tid);

  /** Decimal ("Tgid", "TracerPid"); -1 where it isn't told. */
  long number(std::string_view field) const;
  /** A set of signals ("SigCgt"), bit 0 for signal 1; empty where it isn't told. */
  uint64_t signals(std::string_view field) const;
  /** As ps has it ('T': stopped); '\0' where it isn't told. */
  char state() const;
  /** A zombie, or gone: it runs nothing. */
  bool hasEnded() const;

 private:
  /** What stands behind the field's name, and all that follows; nullptr where it isn't told. */
  const char* behind(std::string_view field) const;

  std::string text_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_TASK_STATUS_H_
