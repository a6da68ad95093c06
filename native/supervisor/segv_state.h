/**
 * What a task does with SIGSEGV, followed from system call to system call: the kernel forgets it at a
 * trapped CPUID (guard.h), and it must be put back as it was.
 */
#ifndef CPUGATE_SUPERVISOR_SEGV_STATE_H_
#define CPUGATE_SUPERVISOR_SEGV_STATE_H_

#include "remote.h"
#include "system_calls.h"
#include "tasks.h"

namespace cpugate {

/** A guarded call is about to be made; what it does to SIGSEGV, if it is such a call. */
void followSignalCall(pid_t tid, Task& task, const SystemCalls& calls, uint64_t number,
                      const uint64_t (&arguments)[6]);

/** A signal is about to be delivered to a thread: whether a handler of its own will run. */
bool isCaught(pid_t tid, int signal);
/** Whether the thread itself has been sent one that it is about to get. */
bool isPending(pid_t tid, int signal);

/** SIGSEGV itself is delivered: a handler that is for one time only is gone. */
void followSegvDelivery(Task& task);

/** Learns the state of a thread that wasn't followed so far. */
void learnSegvState(RemoteCalls& calls, Task& task);

/** Whether a trap destroyed something. */
inline bool needsRepair(const Task& task) {
  constexpr uint64_t kIgnore = 1;
  return task.segvBlocked || task.action->handler == kIgnore;
}

/** Puts handler and mask back after a trap. */
void repairSegvState(RemoteCalls& calls, const Task& task);

/** A SIGSEGV of somebody's own, blocked and waiting, that a trap has taken the place of: it waits again. */
void queueAgain(RemoteCalls& calls, const siginfo_t& info);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SEGV_STATE_H_
