#include "interrupted_call.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "monotonic.h"
#include "scoped_fd.h"
#include "task_status.h"

namespace cpugate {

namespace {

/** Of the kernel's own: restarted unless a handler runs (linux/errno.h). */
constexpr int64_t kRestartUnlessHandled = -514;

uint64_t argumentOf(const Registers& registers, unsigned place) {
  if (registers.cs == kCode32) {
    const uint64_t list[] = {registers.rbx, registers.rcx, registers.rdx,
                             registers.rsi, registers.rdi, registers.rbp};
    return list[place] & 0xffffffff;
  }
  const uint64_t list[] = {registers.rdi, registers.rsi, registers.rdx,
                           registers.r10, registers.r8,  registers.r9};
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
  if (!socket.isOpen() || getsockopt(socket.get(), SOL_SOCKET, option, &limit, &size) != 0)
    return std::nullopt;
  const int64_t whole = int64_t{limit.tv_sec} * 1000 + limit.tv_usec / 1000;
  return whole == 0 ? -1 : whole;
}

/** struct old_timespec32 (linux/time32.h). */
struct Timespec32 {
  int32_t seconds, nanoseconds;
};

int64_t toMilliseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}
int64_t toMilliseconds(const Timespec32& time) {
  return int64_t{time.seconds} * 1000 + time.nanoseconds / 1'000'000;
}

/** Milliseconds of a limit in the task's memory; negative without one, nothing if not at hand. */
template <typename Timespec>
std::optional<int64_t> timeAt(const Task& task, uint64_t address) {
  if (address == 0) return -1;
  Timespec limit{};
  if (!isAtHand(task, address, sizeof limit)) return std::nullopt;
  const Touching touching(task.tid);
  if (readMemory(task.tid, address, &limit, sizeof limit) != sizeof limit) return std::nullopt;
  return toMilliseconds(limit);
}

std::optional<int64_t> limitOf(const Task& task, const Registers& registers,
                               InterruptibleCall call) {
  const uint64_t value = argumentOf(registers, call.argument);
  switch (call.limit) {
    case TimeLimit::kNone:
      return -1;
    case TimeLimit::kMilliseconds:
      return static_cast<int32_t>(value);
    case TimeLimit::kTimespec:
      return timeAt<timespec>(task, value);
    case TimeLimit::kTimespec32:
      return timeAt<Timespec32>(task, value);
    case TimeLimit::kReceive:
      return socketLimit(task.tid, static_cast<int>(value), SO_RCVTIMEO);
    case TimeLimit::kSend:
      return socketLimit(task.tid, static_cast<int>(value), SO_SNDTIMEO);
  }
  return std::nullopt;
}

struct KnownCall {
  uint64_t number;
  InterruptibleCall call;
};

constexpr KnownCall kCalls64[] = {
    {SYS_epoll_wait, {TimeLimit::kMilliseconds, 3, 0}},
    {SYS_epoll_pwait, {TimeLimit::kMilliseconds, 3, 0}},
    {SYS_epoll_pwait2, {TimeLimit::kTimespec, 3, 0}},
    {SYS_rt_sigtimedwait, {TimeLimit::kTimespec, 2}},
    {SYS_semop, {TimeLimit::kNone, 0}},
    {SYS_semtimedop, {TimeLimit::kTimespec, 3}},
    {SYS_io_getevents, {TimeLimit::kTimespec, 4, 0}},
    {SYS_io_pgetevents, {TimeLimit::kTimespec, 4, 0}},
    {SYS_read, {TimeLimit::kReceive, 0}},
    {SYS_readv, {TimeLimit::kReceive, 0}},
    {SYS_recvfrom, {TimeLimit::kReceive, 0}},
    {SYS_recvmsg, {TimeLimit::kReceive, 0}},
    {SYS_accept, {TimeLimit::kReceive, 0}},
    {SYS_accept4, {TimeLimit::kReceive, 0}},
    {SYS_write, {TimeLimit::kSend, 0}},
    {SYS_writev, {TimeLimit::kSend, 0}},
    {SYS_sendto, {TimeLimit::kSend, 0}},
    {SYS_sendmsg, {TimeLimit::kSend, 0}},
};

/** arch/x86/entry/syscalls/syscall_32.tbl, without socketcall: its arguments lie in memory. */
constexpr KnownCall kCalls32[] = {
    {256, {TimeLimit::kMilliseconds, 3, 0}},  // epoll_wait
    {319, {TimeLimit::kMilliseconds, 3, 0}},  // epoll_pwait
    {441, {TimeLimit::kTimespec, 3, 0}},      // epoll_pwait2
    {177, {TimeLimit::kTimespec32, 2}},       // rt_sigtimedwait
    {421, {TimeLimit::kTimespec, 2}},         // rt_sigtimedwait_time64
    {420, {TimeLimit::kTimespec, 3}},         // semtimedop_time64
    {3, {TimeLimit::kReceive, 0}},            // read
    {145, {TimeLimit::kReceive, 0}},          // readv
    {371, {TimeLimit::kReceive, 0}},          // recvfrom
    {372, {TimeLimit::kReceive, 0}},          // recvmsg
    {364, {TimeLimit::kReceive, 0}},          // accept4
    {4, {TimeLimit::kSend, 0}},               // write
    {146, {TimeLimit::kSend, 0}},             // writev
    {369, {TimeLimit::kSend, 0}},             // sendto
    {370, {TimeLimit::kSend, 0}},             // sendmsg
};

constexpr uint64_t kIpc32 = 117;

template <size_t kCount>
std::optional<InterruptibleCall> findCall(const KnownCall (&calls)[kCount], uint64_t number) {
  for (const KnownCall& one : calls)
    if (one.number == number) return one.call;
  return std::nullopt;
}

bool isSameCall(const RestartedCall& before, const RestartedCall& now) {
  return before.number == now.number && before.at == now.at && before.stack == now.stack;
}

}  // namespace

std::optional<InterruptibleCall> interruptibleCall(uint64_t number, bool is32, uint64_t first) {
  // ipc(2): SEMOP and SEMTIMEDOP, below the interface's version.
  if (is32 && number == kIpc32 && (first & 0xffff) == 1)
    return InterruptibleCall{TimeLimit::kNone, 0};
  if (is32 && number == kIpc32 && (first & 0xffff) == 4)
    return InterruptibleCall{TimeLimit::kTimespec32, 5};
  return is32 ? findCall(kCalls32, number) : findCall(kCalls64, number);
}

bool isRestartedAgain(const RestartedCall& before, const RestartedCall& now) {
  if (now.left < 0) return true;
  // Since its first restart. Its last one came before its time was over, and gave it all of it once
  // more.
  const int64_t elapsed = now.since - before.since;
  return !isSameCall(before, now) || elapsed < now.left || elapsed > 2 * now.left;
}

void restartIfInterrupted(Task& task, int signal) {
  Registers registers;
  if (!readRegisters(task.tid, &registers)) return;
  if (static_cast<int64_t>(registers.orig_rax) < 0 || static_cast<int32_t>(registers.rax) != -EINTR)
    return;
  if (registers.cs != kCode64 && registers.cs != kCode32) return;
  const auto call =
      interruptibleCall(registers.orig_rax, registers.cs == kCode32, argumentOf(registers, 0));
  if (!call || (signal != 0 && !isIgnored(task.tid, signal))) return;
  const auto limit = limitOf(task, registers, *call);
  if (!limit) return;
  const RestartedCall now{registers.orig_rax, registers.rip, registers.rsp, monotonicMilliseconds(),
                          *limit};
  if (!isRestartedAgain(task.restarted, now)) {
    task.restarted = {};
    registers.rax = static_cast<uint64_t>(call->over);
    writeRegisters(task.tid, registers);
    return;
  }
  const bool goesOn =
      isSameCall(task.restarted, now) && now.since - task.restarted.since < now.left;
  if (!goesOn) task.restarted = now;
  registers.rax = static_cast<uint64_t>(kRestartUnlessHandled);
  writeRegisters(task.tid, registers);
}

}  // namespace cpugate
