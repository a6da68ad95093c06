/**
 * A tracer makes the kernel tell of signals that the process ignores; so they wake it. Most calls are
 * restarted by the kernel then, as if nothing had been; some return EINTR, which a program that ignores
 * the signal has never seen: epoll_wait, rt_sigtimedwait, semop, and calls of sockets with a time limit.
 * Those are restarted here.
 *
 * The kernel doesn't tell how long a call has waited. One with a time limit is restarted with all of its
 * time, so it can last longer than that, once; where signals go on to come for as long as its time, EINTR
 * is let through.
 */
#ifndef CPUGATE_SUPERVISOR_INTERRUPTED_CALL_H_
#define CPUGATE_SUPERVISOR_INTERRUPTED_CALL_H_

#include <cstdint>
#include <optional>

#include "task.h"
#include "tracee.h"

namespace cpugate {

/** What limits a call's time. */
enum class TimeLimit { kNone, kMilliseconds, kTimespec, kReceive, kSend };

struct InterruptibleCall {
  TimeLimit limit;
  /** Which argument has the time, or the socket, from 0. */
  unsigned argument;
};

/** By the number of a 64-bit call; nothing for those that the kernel restarts or that mustn't be. Pure. */
std::optional<InterruptibleCall> interruptibleCall(uint64_t number);

/** Whether a call is restarted once more: `left` milliseconds, negative without a limit. Pure. */
bool isRestartedAgain(const RestartedCall& before, const RestartedCall& now);

/** A signal is about to be delivered that the process ignores: undoes what it has done. */
void restartIfInterrupted(Task& task, int signal);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_INTERRUPTED_CALL_H_
