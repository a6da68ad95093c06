/**
 * A tracer makes the kernel tell of signals that the process ignores; so they wake it. Most calls
 * are restarted by the kernel then, as if nothing had been; some return EINTR, which a program that
 * ignores the signal has never seen: epoll_wait, rt_sigtimedwait, semop, and calls of sockets with
 * a time limit. Those are restarted here.
 *
 * The kernel doesn't tell how long a call has waited. One with a time limit is restarted with all
 * of its time, so it can last up to three times as long; where signals go on to come for as long as
 * its time, it ends as one whose time is over.
 */
#ifndef CPUGATE_SUPERVISOR_INTERRUPTED_CALL_H_
#define CPUGATE_SUPERVISOR_INTERRUPTED_CALL_H_

#include <errno.h>

#include <cstdint>
#include <optional>

#include "task.h"
#include "tracee.h"

namespace cpugate {

/** What limits a call's time. */
enum class TimeLimit { kNone, kMilliseconds, kTimespec, kTimespec32, kReceive, kSend };

struct InterruptibleCall {
  TimeLimit limit;
  /** Which argument has the time, or the socket, from 0. */
  unsigned argument;
  /** What it gives when its time is over: 0, or a negative errno. */
  int64_t over = -EAGAIN;
};

/**
 * By its number and first argument; nothing for those that the kernel restarts
 * or that mustn't be restarted. Pure.
 */
std::optional<InterruptibleCall> interruptibleCall(uint64_t number, bool is32, uint64_t first = 0);

/** Whether a call is restarted once more: `left` milliseconds, negative without a limit. Pure. */
bool isRestartedAgain(const RestartedCall& before, const RestartedCall& now);

/**
 * A signal is about to be delivered; if the process ignores it, what it has interrupted is
 * restarted. 0: the supervisor's own wish that it stop, of which a program knows nothing.
 */
void restartIfInterrupted(Task& task, int signal);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_INTERRUPTED_CALL_H_
