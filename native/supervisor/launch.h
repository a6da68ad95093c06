/** Starts a program under a mask. */
#ifndef CPUGATE_SUPERVISOR_LAUNCH_H_
#define CPUGATE_SUPERVISOR_LAUNCH_H_

#include <sys/types.h>

#include "process_handle.h"

namespace cpugate {

/** As shells have it (POSIX, 2.8.2), and sysexits.h for a host that can't. */
inline constexpr int kUsage = 2;
inline constexpr int kUnavailable = 69;
inline constexpr int kSupervisorFailed = 125;
inline constexpr int kNotExecutable = 126;
inline constexpr int kNotFound = 127;

/**
 * A child that is seized, guarded, and executes the program when its gate opens; negative: what
 * failed was said on standard error.
 */
class Launch {
 public:
  /** `command` ends with a null pointer; `watchesCode`: see guard.h. */
  Launch(char* const* command, bool watchesCode);
  pid_t pid() const { return pid_; }
  /** The same, whoever has its number later; once. */
  ProcessHandle takeProcess() { return std::move(process_); }
  /** Lets the child execute the program. */
  bool open() const;
  /** After the program was executed, or not: 0, or the exit status that says why not. */
  int outcome(char* const* command) const;

 private:
  pid_t pid_ = -1;
  ProcessHandle process_;
  int gate_ = -1;
  int failure_ = -1;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_LAUNCH_H_
