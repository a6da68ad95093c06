/**
 * What a process does with SIGSEGV. The kernel forces that signal on a thread at a trapped CPUID.
 * Where the thread blocks the signal, or the process ignores it, that resets the process's action
 * and unblocks the signal (kernel/signal.c, force_sig_info_to_task), and nothing tells afterwards
 * what it was.
 *
 * So the kernel of a process that traps always has a handler for it: the process's own, or, where
 * that is the default, "ignore" or for one time only, one that stands in for it and is never run.
 * Then only a thread that blocked the signal loses the handler: that it is gone after a trap tells
 * that it was blocked. To look costs nothing while nothing traps. The process's own calls about
 * SIGSEGV are virtualised, its deliveries as well; before the supervisor lets go, the kernel gets
 * the process's own action back.
 */
#ifndef CPUGATE_SUPERVISOR_SEGV_ACTION_H_
#define CPUGATE_SUPERVISOR_SEGV_ACTION_H_

#include "remote.h"
#include "script.h"
#include "task.h"

namespace cpugate {

/** Asks the kernel for the process's own action; only where nothing stands in for it. */
Co<bool> learnAction(RemoteCalls& calls);
/** From now on the kernel has a handler. */
Co<bool> standIn(RemoteCalls& calls);
/** The kernel has the process's own action again. */
Co<bool> giveActionBack(RemoteCalls& calls);

/** The process makes a call about SIGSEGV's action, for which the thread has stopped. */
Co<void> makeActionCall(Task& task);

/**
 * Whether the kernel has a handler for SIGSEGV; nothing where it doesn't tell (hidepid). Of a
 * thread that has been asked for before this is one call (/proc/TID/stat, sigcatch).
 */
std::optional<bool> hasHandler(Task& task);
/** It had one, which a trap of a thread that blocked SIGSEGV has taken away. */
bool hasLostHandler(Task& task);

/** What a SIGSEGV of the task's own comes to. */
enum class OwnSegv {
  /** As the kernel would do it by itself. */
  kDeliver,
  /** The action is the default, which the kernel must have for it. */
  kDefault,
  /** It is ignored. */
  kDrop,
};
OwnSegv judgeOwnSegv(const SegvAction& action, bool hasHandler, const siginfo_t& info);

/** A handler that is for one time only is gone with its signal. */
void noteDelivered(SegvAction& action);

/** A SIGSEGV of somebody's own, blocked and waiting, that a trap has replaced: it waits again. */
Co<void> queueAgain(RemoteCalls& calls, siginfo_t info);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SEGV_ACTION_H_
