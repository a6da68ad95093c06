/**
 * The guard: a seccomp filter that brings a task's few system calls to the supervisor by which it could
 * see or undo its mask, or which change what happens to SIGSEGV.
 *
 * The kernel forces SIGSEGV on a thread at a trapped CPUID. Where the thread blocks or ignores SIGSEGV,
 * that resets the handler and unblocks the signal (kernel/signal.c, force_sig_info_to_task), and nothing
 * tells afterwards what it was. So it has to be known before: rt_sigaction of SIGSEGV, rt_sigprocmask
 * that changes a mask, and rt_sigreturn stop once each.
 *
 * Filters can't be taken away again, and a filter whose tracer is gone answers ENOSYS: a task that was
 * started by "run" keeps its supervisor until it ends.
 */
#ifndef CPUGATE_SUPERVISOR_GUARD_H_
#define CPUGATE_SUPERVISOR_GUARD_H_

#include <sys/types.h>

#include <cstdint>

#include "remote.h"

namespace cpugate {

/** SECCOMP_RET_DATA of the guard; another filter's stops are answered as without a tracer: ENOSYS. */
inline constexpr uint32_t kGuardMark = 0xc9a7;

/** Installs it in the calling process, for itself and all that come of it; 0 or an errno. */
int installGuard();

/**
 * Installs in a process that runs already, all its threads, what keeps the mask from being undone. It is
 * the guard without the calls about signals, so that the process lives on when its supervisor lets go:
 * arch_prctl of CPUID and of large state, and listeners to filters, are then answered with ENOSYS.
 * False: it couldn't be done.
 */
bool installGuardIn(RemoteCalls& calls);

/** Whether a thread has a guard of either kind; tells only a supervisor with CAP_SYS_ADMIN. */
bool hasGuard(pid_t tid);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_GUARD_H_
