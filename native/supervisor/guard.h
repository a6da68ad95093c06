/**
 * The guard: a seccomp filter that brings a task's few system calls to the supervisor by which it
 * could see or undo its mask, or which are about SIGSEGV's action (segv_action.h).
 *
 * A program that is executed begins without the trap. A child can be made whom nobody traces
 * (CLONE_UNTRACED): so every exec stops for the tracer, and is answered with ENOSYS where there is
 * none. Such a child keeps its trap, and what it is answered there is SIGSEGV.
 *
 * Filters can't be taken away again, and a filter whose tracer is gone answers ENOSYS: a task that
 * was started by "run" keeps its supervisor until it ends.
 */
#ifndef CPUGATE_SUPERVISOR_GUARD_H_
#define CPUGATE_SUPERVISOR_GUARD_H_

#include <sys/types.h>

#include <cstdint>

#include "remote.h"
#include "system_calls.h"

namespace cpugate {

/** SECCOMP_RET_DATA of the guard. Other filters' stops get ENOSYS, as without a tracer. */
inline constexpr uint32_t kGuardMark = 0xc9a7;

/**
 * Installs it in the calling process, for itself and all that come of it; 0 or an errno.
 * `watchesCode`: calls that make memory executable stop as well.
 */
int installGuard(bool watchesCode);

/** Whether a call that has stopped is one of those. */
bool isCodeCall(const SystemCalls& calls, uint64_t number);

/**
 * Installs in a process that runs already, all its threads, what keeps the mask from being undone,
 * and the process able to live on when its supervisor lets go: arch_prctl of CPUID and of large
 * state, and listeners to filters, are then answered with ENOSYS. It may execute programs without a
 * tracer; so none of its children may be without: clone3, whose flags lie in memory, is answered
 * with ENOSYS at once, as by a kernel without it, and CLONE_UNTRACED with EPERM. False: it couldn't
 * be done.
 */
Co<bool> installGuardIn(RemoteCalls& calls);

/** Whether a thread has a guard of either kind; tells only a supervisor with CAP_SYS_ADMIN. */
bool hasGuard(pid_t tid);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_GUARD_H_
