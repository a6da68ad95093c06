#include "segv_action.h"

#include <signal.h>
#include <sys/syscall.h>

#include <cstring>

#include "memory.h"
#include "system_calls.h"

namespace cpugate {

namespace {

/** struct compat_sigaction. */
struct Action32 {
  uint32_t handler, flags, restorer, maskLow, maskHigh;
};
static_assert(sizeof(SignalAction) == 32 && sizeof(Action32) == 20);

constexpr uint64_t kSetBytes = 8;
constexpr uint64_t kResetHand = 0x80000000;
constexpr uint64_t kDefault = 0;
constexpr uint64_t kIgnore = 1;
/** No program can have code here; if it were run after all, that would be seen at once. */
constexpr uint64_t kNowhere = 0xfffff000;

/** sigcatch, of the first 31 signals. */
constexpr int kCaughtPlace = 34;

bool isHandler(const SignalAction& action) {
  return action.handler != kDefault && action.handler != kIgnore;
}

/** What the kernel shall have while the process traps. */
SignalAction standInFor(const SignalAction& own) {
  SignalAction action = own;
  action.flags &= ~kResetHand;
  if (!isHandler(own)) action.handler = kNowhere;
  return action;
}

Co<bool> setAction(RemoteCalls& calls, SignalAction action) {
  const Action32 narrow{static_cast<uint32_t>(action.handler), static_cast<uint32_t>(action.flags),
                        static_cast<uint32_t>(action.restorer), static_cast<uint32_t>(action.mask),
                        static_cast<uint32_t>(action.mask >> 32)};
  const void* bytes = calls.is32() ? static_cast<const void*>(&narrow) : &action;
  const auto at = co_await calls.borrow(bytes, calls.is32() ? sizeof narrow : sizeof action);
  if (!at) co_return false;
  const RemoteCalls::Arguments arguments{SIGSEGV, *at, 0, kSetBytes, 0, 0};
  const auto result = co_await calls.call(SYS_rt_sigaction, kCalls32.sigaction, arguments);
  co_await calls.giveBack();
  co_return result == 0;
}

}  // namespace

Co<bool> learnAction(RemoteCalls& calls) {
  SegvAction& action = *calls.task().action;
  const char room[sizeof(SignalAction)]{};
  const auto at = co_await calls.borrow(room, sizeof room);
  if (!at) co_return false;
  const RemoteCalls::Arguments arguments{SIGSEGV, 0, *at, kSetBytes, 0, 0};
  const auto result = co_await calls.call(SYS_rt_sigaction, kCalls32.sigaction, arguments);
  SignalAction wide;
  Action32 narrow{};
  void* bytes = calls.is32() ? static_cast<void*>(&narrow) : &wide;
  const size_t count = calls.is32() ? sizeof narrow : sizeof wide;
  const size_t got = co_await readTask(calls.task(), *at, bytes, count);
  co_await calls.giveBack();
  if (result != 0 || got != count) co_return false;
  if (calls.is32())
    wide = {narrow.handler, narrow.flags, narrow.restorer,
            uint64_t{narrow.maskHigh} << 32 | narrow.maskLow};
  action.own = wide;
  action.isHandled = isHandler(wide) && (wide.flags & kResetHand) == 0;
  co_return true;
}

Co<bool> standIn(RemoteCalls& calls) {
  const auto action = calls.task().action;
  if (action->isHandled) co_return true;
  const bool done = co_await setAction(calls, standInFor(action->own));
  action->isHandled = done;
  co_return done;
}

Co<bool> giveActionBack(RemoteCalls& calls) {
  const auto action = calls.task().action;
  if (!action->isHandled || standInFor(action->own) == action->own) co_return true;
  action->isHandled = false;
  co_return co_await setAction(calls, action->own);
}

Co<void> makeActionCall(Task& task) {
  const auto action = task.action;
  Turn turn(action->calls);
  co_await turn;
  Registers asked;
  if (!readRegisters(task.tid, &asked)) co_return;
  // It is put off: the kernel must have the process's own action before it looks at it.
  Registers skipped = asked;
  skipped.orig_rax = ~uint64_t{0};
  if (!writeRegisters(task.tid, skipped) || !resume(task.tid, Resume::kToSyscallStop)) co_return;
  for (;;) {
    const WaitStatus stop = co_await task.nextStop;
    if (stop.kind() == WaitStatus::Kind::kSyscallStop) break;
    if (!resume(task.tid, Resume::kToSyscallStop)) co_return;
  }
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  if (!co_await giveActionBack(calls)) co_return;
  const auto result = co_await calls.repeat(asked);
  if (!result) co_return;
  calls.registers().rax = static_cast<uint64_t>(*result);
  if (!co_await learnAction(calls)) co_return;
  if (action->armed > 0) co_await standIn(calls);
}

std::optional<bool> hasHandler(Task& task) {
  if (!task.stat.isOpen()) task.stat = StatFile(task.tid);
  const auto caught = task.stat.number(kCaughtPlace);
  if (!caught) return std::nullopt;
  return (*caught & kSegvBit) != 0;
}

bool hasLostHandler(Task& task) { return task.action->isHandled && hasHandler(task) == false; }

OwnSegv judgeOwnSegv(const SegvAction& action, bool hasHandler, const siginfo_t& info) {
  // The kernel's own are forced: they can't be ignored. What it has reset for a blocked one is the
  // default.
  if (!hasHandler) return OwnSegv::kDeliver;
  const bool isForced = info.si_code > 0;
  if (action.own.handler == kIgnore && !isForced) return OwnSegv::kDrop;
  return isHandler(action.own) ? OwnSegv::kDeliver : OwnSegv::kDefault;
}

void noteDelivered(SegvAction& action) {
  // The kernel keeps the handler, which stands in from now on.
  if (isHandler(action.own) && (action.own.flags & kResetHand) != 0) action.own.handler = kDefault;
}

Co<void> queueAgain(RemoteCalls& calls, siginfo_t info) {
  constexpr long kGetpid32 = 20, kGettid32 = 224, kTgsigqueueinfo32 = 335;
  const RemoteCalls::Arguments none{};
  // As the task counts them: it may live in a PID namespace of its own.
  const auto pid = co_await calls.call(SYS_getpid, kGetpid32, none);
  const auto tid = co_await calls.call(SYS_gettid, kGettid32, none);
  if (!pid || !tid) co_return;
  char bytes[sizeof info];
  memcpy(bytes, &info, sizeof bytes);
  if (calls.is32()) {
    // SI_TKILL and its like: sender's process and user directly behind the first three words.
    memcpy(bytes + 12, reinterpret_cast<const char*>(&info) + 16, sizeof bytes - 16);
  }
  const auto at = co_await calls.borrow(bytes, sizeof bytes);
  if (!at) co_return;
  const RemoteCalls::Arguments arguments{
      static_cast<uint64_t>(*pid), static_cast<uint64_t>(*tid), SIGSEGV, *at, 0, 0};
  co_await calls.call(SYS_rt_tgsigqueueinfo, kTgsigqueueinfo32, arguments);
  co_await calls.giveBack();
}

}  // namespace cpugate
