/** What the supervisor knows of each thread that it holds. */
#ifndef CPUGATE_SUPERVISOR_TASKS_H_
#define CPUGATE_SUPERVISOR_TASKS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "tracee.h"

namespace cpugate {

/** A process's disposition of SIGSEGV, as it set it; shared among threads as the kernel's is. */
struct SegvAction {
  uint64_t handler = 0;  // SIG_DFL
  uint64_t flags = 0;
  uint64_t restorer = 0;
  uint64_t mask = 0;
};

struct AddressSpace {
  uint64_t vdso = 0;
  /** Large state components that the process asked for and got, by bit. */
  uint64_t granted = 0;
  /** The process has been given a guard, or was started behind one. */
  bool guarded = false;
};

/** A clone3 that is being made as clone: what the parent's registers were. */
struct Cloning {
  uint64_t flags;
  Registers before;
};

/** What shall become of a thread, from its next stop on. */
enum class Wanted {
  kMasked,
  /** It sees the real CPU and keeps its tracer, which its guard needs. */
  kBare,
  /** It is let go. */
  kGone,
};

struct Task {
  std::shared_ptr<SegvAction> action = std::make_shared<SegvAction>();
  std::shared_ptr<AddressSpace> space = std::make_shared<AddressSpace>();
  /** The thread blocks SIGSEGV, as it knows itself. */
  bool segvBlocked = false;
  /** The next SIGSEGV from the kernel has been looked at: it is the task's own. */
  bool segvIsReal = false;
  Wanted wanted = Wanted::kMasked;
  /** Its CPUID traps. */
  bool armed = false;
  /** It was let go with one step, to see the mask that its signal handler runs with. */
  bool enteringHandler = false;
  std::optional<Cloning> cloning;
  /** It stops once more before it ends (PTRACE_O_TRACEEXIT), as everything does that comes of it. */
  bool tellsEnd = false;
  /** Stopped before its parent told of it; goes on then. */
  bool waitsForParent = false;
  /** Its parent waits, unstoppable, until it executes a program or ends (vfork). */
  bool holdsParent = false;
  /** Its process is stopped by a signal (job control). */
  bool inGroupStop = false;
  /** In such a stop, and held there: it doesn't listen for SIGCONT. */
  bool trapped = false;
};

/** Whether it traps or not, as it shall. */
inline bool isAsWanted(const Task& task) {
  return task.wanted != Wanted::kGone && task.armed == (task.wanted == Wanted::kMasked);
}

using Tasks = std::unordered_map<pid_t, Task>;

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_TASKS_H_
