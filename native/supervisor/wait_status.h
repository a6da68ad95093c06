/** What waitpid says of a task that was seized with PTRACE_SEIZE and PTRACE_O_TRACESYSGOOD. */
#ifndef CPUGATE_SUPERVISOR_WAIT_STATUS_H_
#define CPUGATE_SUPERVISOR_WAIT_STATUS_H_

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

namespace cpugate {

class WaitStatus {
 public:
  enum class Kind {
    kExited,       // by itself: exitCode()
    kSignaled,     // by a signal: terminatingSignal()
    kSignalStop,   // a signal is about to be delivered: stopSignal()
    kGroupStop,    // the whole process is stopped by a job control signal: stopSignal()
    kEventStop,    // event(); PTRACE_EVENT_STOP: interrupted, or new, or no longer in group-stop
    kSyscallStop,  // at the entry or exit of a system call
    kOther,        // continued; not told unless asked for
  };

  explicit constexpr WaitStatus(int status) : status_(status) {}

  constexpr Kind kind() const {
    if (WIFEXITED(status_)) return Kind::kExited;
    if (WIFSIGNALED(status_)) return Kind::kSignaled;
    if (!WIFSTOPPED(status_)) return Kind::kOther;
    if (rawEvent() == PTRACE_EVENT_STOP && isJobControl(WSTOPSIG(status_))) return Kind::kGroupStop;
    if (rawEvent() != 0) return Kind::kEventStop;
    return WSTOPSIG(status_) == (SIGTRAP | kSyscallMark) ? Kind::kSyscallStop : Kind::kSignalStop;
  }

  constexpr bool hasEnded() const { return kind() == Kind::kExited || kind() == Kind::kSignaled; }

  /** -1 unless kExited. */
  constexpr int exitCode() const { return kind() == Kind::kExited ? WEXITSTATUS(status_) : -1; }

  /** 0 unless kSignaled. */
  constexpr int terminatingSignal() const {
    return kind() == Kind::kSignaled ? WTERMSIG(status_) : 0;
  }

  /** Whether a signal that ended the task left a core file. */
  constexpr bool dumpedCore() const { return kind() == Kind::kSignaled && WCOREDUMP(status_); }

  /** 0 unless kSignalStop or kGroupStop. */
  constexpr int stopSignal() const {
    return kind() == Kind::kSignalStop || kind() == Kind::kGroupStop ? WSTOPSIG(status_) : 0;
  }

  /** PTRACE_EVENT_*; 0 unless kEventStop. */
  constexpr int event() const { return kind() == Kind::kEventStop ? rawEvent() : 0; }

  /** As a shell tells it: the exit code, 128 and the signal, or -1 while the task lives. */
  constexpr int shellCode() const {
    return kind() == Kind::kSignaled ? 128 + terminatingSignal() : exitCode();
  }

  constexpr int raw() const { return status_; }

 private:
  static constexpr int kSyscallMark = 0x80;

  static constexpr bool isJobControl(int signal) {
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
  }

  constexpr int rawEvent() const { return (status_ >> 16) & 0xff; }

  int status_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_WAIT_STATUS_H_
