/** A process that can't be mistaken for a later one with its number. */
#ifndef CPUGATE_SUPERVISOR_PROCESS_HANDLE_H_
#define CPUGATE_SUPERVISOR_PROCESS_HANDLE_H_

#include <sys/types.h>

#include <utility>

#include "scoped_fd.h"

namespace cpugate {

class ProcessHandle {
 public:
  ProcessHandle() = default;
  /** Isn't open where there is no such process. */
  static ProcessHandle open(pid_t pid);
  /** Of a descriptor from elsewhere; not open where that is no pidfd (pidfd_open(2)). */
  static ProcessHandle fromDescriptor(ScopedFd pidfd);
  /** Another one of the same process. */
  static ProcessHandle duplicate(const ProcessHandle& other);

  bool isOpen() const { return pidfd_.isOpen(); }
  /** -1 where there is none. */
  int descriptor() const { return pidfd_.get(); }
  /** As it was when the handle was made; 0: no number in this PID namespace, or none any more. */
  pid_t pid() const { return pid_; }
  /** False from the end of its last thread on. */
  bool isAlive() const;
  /** Whether its number is still its own: also that of a zombie. */
  bool hasNumber() const { return pid_ > 0 && numberNow() == pid_; }
  /** False where it has ended, or may not be sent that. Async-signal-safe. */
  bool send(int signal) const;

 private:
  ProcessHandle(ScopedFd pidfd, pid_t pid) : pidfd_(std::move(pidfd)), pid_(pid) {}
  /** 0: in another PID namespace; -1: reaped; -2: no pidfd. */
  pid_t numberNow() const;

  ScopedFd pidfd_;
  pid_t pid_ = 0;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_PROCESS_HANDLE_H_
