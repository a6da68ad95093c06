/** What the supervisor knows of each thread that it holds. */
#ifndef CPUGATE_SUPERVISOR_TASK_H_
#define CPUGATE_SUPERVISOR_TASK_H_

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "code_patches.h"
#include "scoped_fd.h"
#include "script.h"
#include "stat_file.h"
#include "states.h"
#include "wait_status.h"

namespace cpugate {

/** struct sigaction of the kernel, in its 64-bit form. */
struct SignalAction {
  uint64_t handler = 0;  // SIG_DFL
  uint64_t flags = 0;
  uint64_t restorer = 0;
  uint64_t mask = 0;
  bool operator==(const SignalAction&) const = default;
};

/** A process's disposition of SIGSEGV, which threads share as in the kernel; why: segv_action.h. */
struct SegvAction {
  /** As the process set it. */
  SignalAction own;
  /** The kernel has a handler for it: the process's, or one that stands in and is never run. */
  bool isHandled = false;
  /** Calls about it, one after the other. */
  Turns calls;
  /** Threads that trap. */
  int armed = 0;
};

struct AddressSpace {
  uint64_t vdso = 0;
  /** Of a 32-bit program. */
  bool is32 = false;
  /** Large state components that the process asked for and got, by bit. */
  uint64_t granted = 0;
  /** The process has been given a guard, or was started behind one. */
  bool guarded = false;
  /** It, or what it comes of, entered a cgroup of tasks later, and had run without the mask. */
  bool cameLater = false;
  /** Reading its memory may wait for the task itself (userfaultfd). */
  bool mayBlock = false;
  /** Where CPUID is made to trap by other code. */
  CodePatches code;
  /** Whoever gives or takes the right to execute memory: what is known of it has to be so. */
  Turns codeTurns;
  /** /proc/TID/pagemap, once its memory was looked at. */
  ScopedFd pagemap;
};

/** The last call that was restarted as if the signal that interrupted it had not come. */
struct RestartedCall {
  uint64_t number = 0;
  uint64_t at = 0;
  uint64_t stack = 0;
  /** Monotonic, milliseconds. */
  int64_t since = 0;
  /** What was left of its time then, in milliseconds; negative: it has no limit. */
  int64_t left = -1;
};

struct Task {
  explicit Task(pid_t number) : tid(number) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  pid_t tid;
  State state = State::kRunning;
  Intent intent = Intent::kMasked;
  /** Its CPUID traps. */
  bool armed = false;
  std::shared_ptr<SegvAction> action = std::make_shared<SegvAction>();
  std::shared_ptr<AddressSpace> space = std::make_shared<AddressSpace>();
  /** A SIGSEGV that has been looked at and is the task's own: its next stop is that one's. */
  std::optional<siginfo_t> redelivered;
  /** It hasn't gone on from its first stop. */
  bool isNew = false;
  /** It was made by clone3, which can clear all handlers (CLONE_CLEAR_SIGHAND). */
  bool mayLackHandlers = false;
  /** It stops once more before it ends (PTRACE_O_TRACEEXIT). */
  bool tellsEnd = false;
  /** Its parent waits, unstoppable, until it executes a program or ends (vfork). */
  bool holdsParent = false;
  /** Its process is stopped by a signal (job control). */
  bool inGroupStop = false;
  /** When it began to wait for its parent (monotonic milliseconds). */
  int64_t waitsSince = 0;
  RestartedCall restarted;
  /** A stop that came while something else was waited for: it is looked at when that is over. */
  std::optional<WaitStatus> putOff;
  /** Where it went on, unchanged, after it couldn't execute what is executable now, and how often.
   */
  uint64_t triedAgainAt = 0;
  unsigned triesAgain = 0;
  /** /proc/TID/task/TID/stat, once it has trapped. */
  StatFile stat;

  /** On its way to a call in its name, and the CPU time (ms) that it had used at a first look;
   * negative: none. */
  bool comesToCall = false;
  int64_t cpuTimeBefore = -1;
  /** It has ended, or is another program by now: nothing may be done in its name any more. */
  bool isOver = false;
  /** What is being done in its name. */
  Script script;
  Awaited<WaitStatus> nextStop;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_TASK_H_
