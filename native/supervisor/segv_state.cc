#include "segv_state.h"

#include <signal.h>
#include <sys/syscall.h>

#include <cstring>

#include "task_status.h"

namespace cpugate {

namespace {

/** struct sigaction of the kernel (include/linux/signal_types.h), and its 32-bit forms. */
struct Action64 {
  uint64_t handler, flags, restorer, mask;
};
struct Action32 {
  uint32_t handler, flags, restorer, maskLow, maskHigh;
};
struct OldAction32 {
  uint32_t handler, mask, flags, restorer;
};
static_assert(sizeof(Action64) == 32 && sizeof(Action32) == 20 && sizeof(OldAction32) == 16);

constexpr uint64_t kSetBytes = 8;
/** SA_ONESHOT | SA_NOMASK, which signal(2) of 32-bit tasks means (kernel/signal.c). */
constexpr uint64_t kOldSignalFlags = 0xc0000000;
constexpr uint64_t kResetHand = 0x80000000;

/**
 * From the stack pointer at the entry of the call to the saved mask: struct rt_sigframe and its kin
 * (arch/x86/include/asm/sigframe.h), whose return address is popped by then.
 */
constexpr uint64_t kMaskInFrame64 = 296;
constexpr uint64_t kMaskInFrameX32 = 280;
constexpr uint64_t kMaskInFrame32 = 248;
constexpr uint64_t kMaskInOldFrame32 = 80;

template <typename T>
bool readFrom(pid_t tid, uint64_t address, T* to) {
  return readMemory(tid, address, to, sizeof *to) == sizeof *to;
}

void followAction64(pid_t tid, SegvAction& action, uint64_t address) {
  Action64 given;
  if (address != 0 && readFrom(tid, address, &given))
    action = {given.handler, given.flags, given.restorer, given.mask};
}

void followAction32(pid_t tid, SegvAction& action, uint64_t address) {
  Action32 given;
  if (address != 0 && readFrom(tid, address, &given))
    action = {given.handler, given.flags, given.restorer,
              uint64_t{given.maskHigh} << 32 | given.maskLow};
}

void followOldAction32(pid_t tid, SegvAction& action, uint64_t address) {
  OldAction32 given;
  if (address != 0 && readFrom(tid, address, &given))
    action = {given.handler, given.flags, given.restorer, given.mask};
}

/** SIGSEGV's bit is in the first word of every kind of set. */
void followMask(pid_t tid, Task& task, uint64_t how, uint64_t address) {
  uint32_t set;
  if (address == 0 || !readFrom(tid, address, &set)) return;
  const bool holds = (set & kSegvBit) != 0;
  if (how == SIG_SETMASK)
    task.segvBlocked = holds;
  else if (holds && (how == SIG_BLOCK || how == SIG_UNBLOCK))
    task.segvBlocked = how == SIG_BLOCK;
}

void followReturn(pid_t tid, Task& task, uint64_t offset) {
  Registers registers;
  uint32_t mask;
  if (readRegisters(tid, &registers) && readFrom(tid, registers.rsp + offset, &mask))
    task.segvBlocked = (mask & kSegvBit) != 0;
}

}  // namespace

void followSignalCall(pid_t tid, Task& task, const SystemCalls& calls, uint64_t number,
                      const uint64_t (&arguments)[6]) {
  const bool is32 = &calls == &kCalls32;
  if (number == calls.sigprocmask) {
    if (arguments[3] == kSetBytes) followMask(tid, task, static_cast<uint32_t>(arguments[0]), arguments[1]);
  } else if (number == calls.sigreturn) {
    const bool isX32 = &calls == &kCallsX32;
    followReturn(tid, task, is32 ? kMaskInFrame32 : isX32 ? kMaskInFrameX32 : kMaskInFrame64);
  } else if (number == calls.sigaction) {
    if (arguments[3] != kSetBytes) return;
    // x32 has the 32-bit layout, too (struct compat_sigaction).
    if (&calls == &kCalls64)
      followAction64(tid, *task.action, arguments[1]);
    else
      followAction32(tid, *task.action, arguments[1]);
  } else if (!is32) {
    return;
  } else if (number == calls.oldSigprocmask) {
    followMask(tid, task, static_cast<uint32_t>(arguments[0]), arguments[1]);
  } else if (number == calls.oldSigaction) {
    followOldAction32(tid, *task.action, arguments[1]);
  } else if (number == calls.oldSignal) {
    *task.action = {static_cast<uint32_t>(arguments[1]), kOldSignalFlags, 0, 0};
  } else if (number == calls.oldSigreturn) {
    followReturn(tid, task, kMaskInOldFrame32);
  }
}

bool isCaught(pid_t tid, int signal) { return (TaskStatus(tid).signals("SigCgt") & bitOf(signal)) != 0; }

bool isPending(pid_t tid, int signal) {
  const TaskStatus status(tid);
  return (status.signals("SigPnd") & ~status.signals("SigBlk") & bitOf(signal)) != 0;
}

void followSegvDelivery(Task& task) {
  if ((task.action->flags & kResetHand) != 0) task.action->handler = 0;
}

void learnSegvState(RemoteCalls& calls, Task& task) {
  task.segvBlocked = (calls.signalMask() & kSegvBit) != 0;
  const char room[sizeof(Action64)]{};
  const auto at = calls.borrow(room, sizeof room);
  if (!at) return;
  if (calls.call(SYS_rt_sigaction, kCalls32.sigaction, {SIGSEGV, 0, *at, kSetBytes}) != 0) return;
  if (calls.is32())
    followAction32(calls.tid(), *task.action, *at);
  else
    followAction64(calls.tid(), *task.action, *at);
}

void queueAgain(RemoteCalls& calls, const siginfo_t& info) {
  constexpr long kGetpid32 = 20, kGettid32 = 224, kTgsigqueueinfo32 = 335;
  // As the task counts them: it may live in a PID namespace of its own.
  const auto pid = calls.call(SYS_getpid, kGetpid32);
  const auto tid = calls.call(SYS_gettid, kGettid32);
  if (!pid || !tid) return;
  char bytes[sizeof info];
  memcpy(bytes, &info, sizeof bytes);
  if (calls.is32()) {
    // SI_TKILL and its like: sender's process and user directly behind the first three words.
    memcpy(bytes + 12, reinterpret_cast<const char*>(&info) + 16, sizeof bytes - 16);
  }
  calls.giveBack();
  const auto at = calls.borrow(bytes, sizeof bytes);
  if (at)
    calls.call(SYS_rt_tgsigqueueinfo, kTgsigqueueinfo32,
               {static_cast<uint64_t>(*pid), static_cast<uint64_t>(*tid), SIGSEGV, *at});
}

void repairSegvState(RemoteCalls& calls, const Task& task) {
  const SegvAction& action = *task.action;
  if (action.handler != 0) {
    const Action64 wide{action.handler, action.flags, action.restorer, action.mask};
    const Action32 narrow{static_cast<uint32_t>(action.handler), static_cast<uint32_t>(action.flags),
                          static_cast<uint32_t>(action.restorer), static_cast<uint32_t>(action.mask),
                          static_cast<uint32_t>(action.mask >> 32)};
    const auto at = calls.is32() ? calls.borrow(&narrow, sizeof narrow) : calls.borrow(&wide, sizeof wide);
    if (at) calls.call(SYS_rt_sigaction, kCalls32.sigaction, {SIGSEGV, *at, 0, kSetBytes});
  }
  if (task.segvBlocked) calls.signalMask() |= kSegvBit;
}

}  // namespace cpugate
