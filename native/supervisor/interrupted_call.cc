#include "interrupted_call.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "scoped_fd.h"
#include "task_status.h"

namespace cpugate {

namespace {

/** Of the kernel's own: restarted unless a handler runs (linux/errno.h). */
constexpr int64_t kRestartUnlessHandled = -514;

int64_t milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

uint64_t argumentOf(const Registers& registers, unsigned place) {
  const uint64_t list[] = {registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9};
  return list[place];
}

/** Signals whose default is to do nothing (signal(7)). */
bool isIgnoredByDefault(int signal) {
  return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

bool isIgnored(pid_t tid, int signal) {
  const TaskStatus status(tid);
  if ((status.signals("SigCgt") & bitOf(signal)) != 0) return false;
  return isIgnoredByDefault(signal) || (status.signals("SigIgn") & bitOf(signal)) != 0;
}

/** A socket's time limit, asked of the socket itself; nothing where that can't be. */
std::optional<int64_t> socketLimit(pid_t tid, int descriptor, int option) {
  const auto process = static_cast<pid_t>(TaskStatus(tid).number("Tgid"));
  const ScopedFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
  if (!pidfd.isOpen()) return std::nullopt;
  const ScopedFd socket(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), descriptor, 0)));
  timeval limit{};
  socklen_t size = sizeof limit;
  if (!socket.isOpen() || getsockopt(socket.get(), SOL_SOCKET, option, &limit, &size) != 0) return std::nullopt;
  const int64_t whole = int64_t{limit.tv_sec} * 1000 + limit.tv_usec / 1000;
  return whole == 0 ? -1 : whole;
}

std::optional<int64_t> limitOf(const Task& task, const Registers& registers, InterruptibleCall call) {
  const uint64_t value = argumentOf(registers, call.argument);
  switch (call.limit) {
    case TimeLimit::kNone:
      return -1;
    case TimeLimit::kMilliseconds:
      return static_cast<int32_t>(value);
    case TimeLimit::kTimespec: {
      if (value == 0) return -1;
      timespec limit{};
      if (task.space->mayBlock) return std::nullopt;
      const Touching touching(task.tid);
      if (readMemory(task.tid, value, &limit, sizeof limit) != sizeof limit) return std::nullopt;
      return int64_t{limit.tv_sec} * 1000 + limit.tv_nsec / 1'000'000;
    }
    case TimeLimit::kReceive:
      return socketLimit(task.tid, static_cast<int>(value), SO_RCVTIMEO);
    case TimeLimit::kSend:
      return socketLimit(task.tid, static_cast<int>(value), SO_SNDTIMEO);
  }
  return std::nullopt;
}

}  // namespace

std::optional<InterruptibleCall> interruptibleCall(uint64_t number) {
  switch (number) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
      return InterruptibleCall{TimeLimit::kMilliseconds, 3};
    case SYS_epoll_pwait2:
      return InterruptibleCall{TimeLimit::kTimespec, 3};
    case SYS_rt_sigtimedwait:
      return InterruptibleCall{TimeLimit::kTimespec, 2};
    case SYS_semop:
      return InterruptibleCall{TimeLimit::kNone, 0};
    case SYS_semtimedop:
      return InterruptibleCall{TimeLimit::kTimespec, 3};
    case SYS_io_getevents:
    case SYS_io_pgetevents:
      return InterruptibleCall{TimeLimit::kTimespec, 4};
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_accept:
    case SYS_accept4:
      return InterruptibleCall{TimeLimit::kReceive, 0};
    case SYS_write:
    case SYS_writev:
    case SYS_sendto:
    case SYS_sendmsg:
      return InterruptibleCall{TimeLimit::kSend, 0};
    default:
      return std::nullopt;
  }
}

bool isRestartedAgain(const RestartedCall& before, const RestartedCall& now) {
  if (now.left < 0) return true;
  const bool isSameCall = before.number == now.number && before.at == now.at && before.stack == now.stack;
  // Since its first restart. Its last one came before its time was over, and gave it all of it once more.
  const int64_t elapsed = now.since - before.since;
  return !isSameCall || elapsed < now.left || elapsed > 2 * now.left;
}

void restartIfInterrupted(Task& task, int signal) {
  Registers registers;
  if (!readRegisters(task.tid, &registers)) return;
  if (static_cast<int64_t>(registers.orig_rax) < 0 || static_cast<int32_t>(registers.rax) != -EINTR) return;
  if (registers.cs != kCode64) return;
  const auto call = interruptibleCall(registers.orig_rax);
  if (!call || !isIgnored(task.tid, signal)) return;
  const auto limit = limitOf(task, registers, *call);
  if (!limit) return;
  const RestartedCall now{registers.orig_rax, registers.rip, registers.rsp, milliseconds(), *limit};
  if (!isRestartedAgain(task.restarted, now)) {
    task.restarted = {};
    return;
  }
  const bool goesOn = task.restarted.number == now.number && task.restarted.at == now.at &&
                      task.restarted.stack == now.stack && now.since - task.restarted.since < now.left;
  if (!goesOn) task.restarted = now;
  registers.rax = static_cast<uint64_t>(kRestartUnlessHandled);
  writeRegisters(task.tid, registers);
}

}  // namespace cpugate
