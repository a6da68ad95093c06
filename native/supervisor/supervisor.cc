#include "supervisor.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "auxv.h"
#include "complain.h"
#include "guard.h"
#include "instruction.h"
#include "segv_state.h"
#include "system_calls.h"
#include "waits.h"

namespace cpugate {

namespace {

using CallInfo = struct __ptrace_syscall_info;

constexpr timespec kMoment{0, 200'000};
/** Every so many statuses, one is taken in turn. */
constexpr unsigned kTurns = 16;

constexpr uint64_t kTrapFlag = 1u << 8;
constexpr uint64_t kResumeFlag = 1u << 16;
/** A selector of the local descriptor table, whose segments begin anywhere. */
constexpr uint64_t kLocalSelector = 4;

int64_t milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

const SystemCalls& callsOf(uint32_t arch, uint64_t number) {
  if (arch == AUDIT_ARCH_I386) return kCalls32;
  return (number & kX32Bit) != 0 ? kCallsX32 : kCalls64;
}

/** Length of the CPUID at which the thread stands, or 0. */
size_t cpuidAt(pid_t tid, const Registers& registers) {
  if ((registers.cs & kLocalSelector) != 0) return 0;
  const bool code64 = registers.cs == kCode64;
  const uint64_t at = code64 ? registers.rip : registers.rip & 0xffffffff;
  uint64_t word;
  uint8_t bytes[kMaxInstructionBytes];
  if (peekCode(tid, at, &word)) {
    memcpy(bytes, &word, sizeof word);
    const size_t length = cpuidLength(bytes, sizeof word, code64);
    if (length != 0) return length;
  }
  // Many prefixes, or the end of a page.
  return cpuidLength(bytes, readMemory(tid, at, bytes, sizeof bytes), code64);
}

void putAnswer(Registers& registers, const CpuidRegisters& answer, size_t length) {
  registers.rax = answer.eax;
  registers.rbx = answer.ebx;
  registers.rcx = answer.ecx;
  registers.rdx = answer.edx;
  registers.rip += length;
  if (registers.cs != kCode64) registers.rip &= 0xffffffff;
  registers.eflags &= ~kResumeFlag;
}

/** Flags of the clone that has just made a child, as far as sharing goes. */
uint64_t cloneFlags(pid_t parent, int event, const Task& task) {
  if (task.cloning) return task.cloning->flags;
  Registers registers;
  if (event != PTRACE_EVENT_CLONE || !readRegisters(parent, &registers))
    return event == PTRACE_EVENT_VFORK ? CLONE_VM : 0;
  uint64_t flags = 0;
  if (registers.orig_rax == kCalls32.clone && registers.cs == kCode32)
    flags = registers.rbx & 0xffffffff;
  else if ((registers.orig_rax & ~uint64_t{kX32Bit}) == kCalls64.clone)
    flags = registers.rdi;
  else
    // clone3, of a task without a guard: its flags come first.
    readMemory(parent, registers.cs == kCode32 ? registers.rbx : registers.rdi, &flags, sizeof flags);
  return flags;
}

/** Of a program that was executed unseen. */
void knowVdso(pid_t tid, Task& task) {
  Registers registers;
  if (task.space->vdso == 0 && readRegisters(tid, &registers))
    task.space->vdso = vdsoOf(tid, registers.cs == kCode32);
}

/**
 * It stands at a CPUID whose signal it hasn't come to yet: other stops come before signals. Such a signal
 * is never blocked, since it is forced.
 */
bool hasTrapComing(pid_t tid, const Task& task) {
  return task.armed && isPending(tid, SIGSEGV);
}

/** What a fork must not share with its parent any longer. */
void separate(Task& child, uint64_t flags) {
  if ((flags & CLONE_SIGHAND) == 0) child.action = std::make_shared<SegvAction>(*child.action);
  if ((flags & CLONE_VM) == 0) child.space = std::make_shared<AddressSpace>(*child.space);
}

}  // namespace

Supervisor::Supervisor(const Mask& mask, const TrapSource& source)
    : mask_(mask), source_(source), answers_(mask) {}

std::optional<WaitStatus> Supervisor::run(pid_t root, const std::function<bool()>& isDone) {
  root_ = root;
  while (!tasks_.empty() || !isDone()) {
    if (betweenWaits_) betweenWaits_();
    int status;
    // With a child that stands still, until it is clear that nobody will tell of it.
    const bool mayWait = waiting_.empty();
    const pid_t tid = next(&status, mayWait);
    if (tid > 0) {
      dispatch(tid, WaitStatus(status));
    } else if (tid == 0) {
      nanosleep(&kMoment, nullptr);
    } else if (errno != EINTR) {
      // ECHILD: nobody is left, whatever was thought.
      tasks_.clear();
      if (isDone()) break;
      pause();
    }
  }
  return rootEnd_;
}

bool Supervisor::runUntil(const std::function<bool()>& isDone, int64_t limit) {
  const int64_t last = milliseconds() + limit;
  while (!isDone()) {
    int status;
    const pid_t tid = next(&status, false);
    if (tid > 0) {
      dispatch(tid, WaitStatus(status));
    } else {
      if (milliseconds() > last) return false;
      nanosleep(&kMoment, nullptr);
    }
  }
  return true;
}

/** 0: nothing has happened, unless it may wait; negative as waitpid's. */
pid_t Supervisor::next(int* status, bool mayWait) {
  startOrphans();
  if (tasks_.size() > 1 && ++turn_ % kTurns == 0)
    if (const pid_t tid = nextInRound(status); tid > 0) return tid;
  return mayWait ? waitUntil(-1, status) : lookFor(-1, status);
}

/**
 * The kernel tells of those first that came last. Where they stop faster than they can be dealt with,
 * the others would never go on: every now and then one of them is asked for by its number.
 */
pid_t Supervisor::nextInRound(int* status) {
  if (round_.empty())
    for (const auto& [tid, task] : tasks_) round_.push_back(tid);
  const pid_t tid = round_.back();
  round_.pop_back();
  return lookFor(tid, status);
}

/** A parent that is killed, or whose process executes a program, at the very moment of its fork tells nothing. */
void Supervisor::startOrphans() {
  constexpr int64_t kPatience = 200;
  if (waiting_.empty()) return;
  const int64_t now = milliseconds();
  std::vector<pid_t> orphans;
  for (const auto& [tid, since] : waiting_)
    if (now - since > kPatience) orphans.push_back(tid);
  for (const pid_t tid : orphans) {
    waiting_.erase(tid);
    Task& task = tasks_[tid];
    task.waitsForParent = false;
    task.wanted = wantedOfOrphans_;
    // It may trap or not; what isn't so is made so.
    task.armed = task.wanted != Wanted::kMasked;
    goOn(tid);
  }
}

bool Supervisor::interrupt(pid_t tid) { return syscall(SYS_ptrace, PTRACE_INTERRUPT, tid, 0, 0) == 0; }

void Supervisor::wantAll(Wanted wanted) {
  wantedOfOrphans_ = wanted;
  for (auto& [tid, task] : tasks_) task.wanted = wanted;
}

/** Any stop makes the kernel forget that it was asked for another (kernel/signal.c, ptrace_stop): so it is asked again. */
bool Supervisor::proceed(pid_t tid, Resume how, int signal) {
  const auto task = tasks_.find(tid);
  // Where something was done in its name, its process's group stop is over for it: so it comes to it once more.
  if (task != tasks_.end() && (!isAsWanted(task->second) || task->second.inGroupStop)) interrupt(tid);
  return resume(tid, how, signal);
}

void Supervisor::dispatch(pid_t tid, WaitStatus status) {
  if (status.hasEnded()) return onEnd(tid, status);
  switch (status.kind()) {
    case WaitStatus::Kind::kSignalStop:
      return onSignal(tid, tasks_[tid], status.stopSignal());
    case WaitStatus::Kind::kGroupStop: {
      Task& task = tasks_[tid];
      task.inGroupStop = true;
      if (!isAsWanted(task) || (trapInGroupStop_ && hasTrapComing(tid, task))) return goOn(tid);
      task.trapped = trapInGroupStop_;
      if (!task.trapped) resume(tid, Resume::kListen);
      return;
    }
    case WaitStatus::Kind::kEventStop:
      return onEvent(tid, status.event());
    case WaitStatus::Kind::kSyscallStop:
      if (Task& task = tasks_[tid]; task.cloning) finishClone(tid, task);
      proceed(tid, Resume::kContinue);
      return;
    default:
      proceed(tid, Resume::kContinue);
  }
}

void Supervisor::onEnd(pid_t tid, WaitStatus status) {
  // A child can be killed before its parent tells of it.
  if (waiting_.erase(tid) + (tasks_.contains(tid) ? 0 : 1) > 0) endedEarly_.insert(tid);
  tasks_.erase(tid);
  if (tid == root_) rootEnd_ = status;
}

void Supervisor::kill(pid_t tid) { syscall(SYS_tgkill, tid, tid, SIGKILL); ::kill(tid, SIGKILL); }

void Supervisor::onSignal(pid_t tid, Task& task, int signal) {
  const bool entering = task.enteringHandler;
  task.enteringHandler = false;
  siginfo_t info;
  if (!readSignal(tid, &info)) return;
  const bool isReal = signal == SIGSEGV && std::exchange(task.segvIsReal, false);
  if (signal == SIGSEGV && !isReal && (source_.isTrapSignal(info) || task.segvBlocked) && onTrap(tid, task, info)) return;
  // The stop at a handler's first instruction: not a signal but a notice, whose code is the signal.
  if (entering && signal == SIGTRAP && info.si_code == SIGTRAP) {
    uint64_t mask;
    if (readSignalMask(tid, &mask)) task.segvBlocked = (mask & kSegvBit) != 0;
    proceed(tid, Resume::kContinue);
    return;
  }
  if (isCaught(tid, signal)) {
    if (signal == SIGSEGV) followSegvDelivery(task);
    task.enteringHandler = true;
    proceed(tid, Resume::kStep, signal);
    return;
  }
  proceed(tid, Resume::kContinue, signal);
}

bool Supervisor::onTrap(pid_t tid, Task& task, const siginfo_t& stopped) {
  Registers registers;
  if (!readRegisters(tid, &registers)) return true;
  if (!task.armed) return false;
  size_t length = cpuidAt(tid, registers);
  if (length == 0 && source_.isTrapSignal(stopped)) {
    const auto found = cpuidOfUndumpable(tid, task, registers);
    if (!found) return true;
    length = *found;
  }
  if (length == 0) return false;
  const CpuidRegisters answer = answers_.answer(static_cast<uint32_t>(registers.rax),
                                                static_cast<uint32_t>(registers.rcx), tid);
  putAnswer(registers, answer, length);
  ++answered_;
  if (!writeRegisters(tid, registers)) return true;
  if (needsRepair(task)) {
    RemoteCalls calls(tid, task);
    repairSegvState(calls, task);
    if (!source_.isTrapSignal(stopped)) queueAgain(calls, stopped);
    if (calls.end()) {
      dispatch(tid, WaitStatus(*calls.end()));
      return true;
    }
  }
  int signal = 0;
  if ((registers.eflags & kTrapFlag) != 0) {
    // The task steps itself: the instruction that wasn't executed traps as if it had been.
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = signal = SIGTRAP;
    info.si_code = TRAP_TRACE;
    info.si_addr = reinterpret_cast<void*>(registers.rip);
    writeSignal(tid, info);
  }
  if (signal == SIGTRAP && isCaught(tid, SIGTRAP)) {
    task.enteringHandler = true;
    proceed(tid, Resume::kStep, signal);
    return true;
  }
  proceed(tid, Resume::kContinue, signal);
  return true;
}

/**
 * A task that has made itself undumpable can't be read by a supervisor without privileges, which it isn't
 * for as long as the look takes. Nothing: it isn't there any more.
 */
std::optional<size_t> Supervisor::cpuidOfUndumpable(pid_t tid, Task& task, const Registers& registers) {
  uint8_t byte;
  if (readMemory(tid, registers.rip, &byte, 1) == 1) return 0;
  constexpr long kPrctl32 = 172;
  size_t length = 0;
  std::optional<int> end;
  {
    RemoteCalls calls(tid, task);
    const auto before = calls.call(SYS_prctl, kPrctl32, {PR_GET_DUMPABLE});
    if (before && calls.call(SYS_prctl, kPrctl32, {PR_SET_DUMPABLE, 1}) == 0) {
      length = cpuidAt(tid, registers);
      // 2, which only the kernel sets, can't be set back; 0 forbids the same to tasks without privileges.
      calls.call(SYS_prctl, kPrctl32, {PR_SET_DUMPABLE, *before == 1 ? 1u : 0u});
    }
    end = calls.end();
  }
  if (end) {
    dispatch(tid, WaitStatus(*end));
    return std::nullopt;
  }
  // The signal was taken out of its stop for the look; it comes once more, as the kernel's again.
  task.segvIsReal = length == 0;
  return length;
}

void Supervisor::onEvent(pid_t tid, int event) {
  switch (event) {
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      onChild(tid, event);
      // A clone that stands for clone3 still has its registers to put back, at the call's exit.
      proceed(tid, tasks_[tid].cloning ? Resume::kToSyscallStop : Resume::kContinue);
      return;
    case PTRACE_EVENT_EXEC:
      return onExec(tid);
    case PTRACE_EVENT_SECCOMP:
      return onGuardedCall(tid, tasks_[tid]);
    case PTRACE_EVENT_STOP: {
      const auto known = tasks_.find(tid);
      if (known == tasks_.end()) {
        // A child whose parent hasn't told of it yet: until then nothing is known of it.
        tasks_[tid].waitsForParent = true;
        waiting_[tid] = milliseconds();
        return;
      }
      // What stands still for its parent can be asked to stop, too; that changes nothing.
      if (known->second.waitsForParent) return;
      known->second.inGroupStop = known->second.trapped = false;
      if (known->second.cloning) finishClone(tid, known->second);
      return goOn(tid);
    }
    default:
      break;
  }
  proceed(tid, Resume::kContinue);
}

/** A thread in a stop that is none of a signal or a call goes on, with the trap that it shall have. */
void Supervisor::goOn(pid_t tid) {
  Task& task = tasks_[tid];
  // Nobody would answer it later.
  if ((task.wanted != Wanted::kMasked || task.inGroupStop) && hasTrapComing(tid, task)) {
    resume(tid, Resume::kContinue);
    return;
  }
  if (isAsWanted(task) || makeAsWanted(tid)) proceed(tid, Resume::kContinue);
}

/** False: it doesn't go on with us. */
bool Supervisor::makeAsWanted(pid_t tid) {
  if (tasks_[tid].wanted == Wanted::kMasked) return arm(tid, true);
  if (tasks_[tid].armed && !disarm(tid)) {
    if (!tasks_.contains(tid)) return false;
    complain("process %d can't be made to see the CPU again; it stays under its mask", tid);
    tasks_[tid].wanted = Wanted::kMasked;
    return true;
  }
  if (tasks_[tid].wanted == Wanted::kBare) return true;
  syscall(SYS_ptrace, PTRACE_DETACH, tid, 0, 0);
  tasks_.erase(tid);
  return false;
}

void Supervisor::onChild(pid_t parent, int event) {
  unsigned long message;
  if (!readEventMessage(parent, &message)) return;
  const auto tid = static_cast<pid_t>(message);
  // A number can be another's by now, whose parent died before it told of the first.
  if (endedEarly_.erase(tid) > 0 && !tasks_.contains(tid)) return;
  waiting_.erase(tid);
  const bool waits = tasks_.contains(tid) && tasks_[tid].waitsForParent;
  Task child = tasks_[parent];
  child.enteringHandler = child.waitsForParent = child.segvIsReal = false;
  child.holdsParent = event == PTRACE_EVENT_VFORK;
  const uint64_t flags = cloneFlags(parent, event, tasks_[parent]);
  separate(child, flags);
  tasks_[tid] = child;
  if ((flags & CLONE_THREAD) != 0) watchEnd(parent);
  if (!waits) return;
  if (child.cloning) finishClone(tid, tasks_[tid]);
  goOn(tid);
}

/**
 * A thread that executes a program takes the first one's number, as soon as that has ended. If it came
 * between a stop of the first and what is done for it, that would be done to the new program, unarmed.
 * So the first doesn't end before it was let go from a stop of its own for it.
 */
void Supervisor::watchEnd(pid_t tid) {
  Task& task = tasks_[tid];
  if (!task.tellsEnd) task.tellsEnd = setOptions(tid, taskOptions(true));
}

void Supervisor::onExec(pid_t tid) {
  unsigned long former;
  if (readEventMessage(tid, &former) && static_cast<pid_t>(former) != tid) {
    // Another thread than the first has executed a program, and is the first from now on.
    if (const auto found = tasks_.find(static_cast<pid_t>(former)); found != tasks_.end()) {
      const Task task = found->second;
      tasks_.erase(found);
      tasks_[tid] = task;
    }
  }
  Task& task = tasks_[tid];
  task.armed = task.enteringHandler = task.holdsParent = false;
  task.cloning.reset();
  const bool guarded = task.space->guarded;
  task.space = std::make_shared<AddressSpace>();
  task.space->guarded = guarded;
  const SegvAction before = *task.action;
  task.action = std::make_shared<SegvAction>();
  // Handlers end with the program that they were part of; "ignored" stays (POSIX, exec).
  if (before.handler == 1) task.action->handler = 1;
  int status;
  if (!resume(tid, Resume::kToSyscallStop) || !waitFor(tid, &status)) return;
  for (WaitStatus stop(status); stop.kind() != WaitStatus::Kind::kSyscallStop; stop = WaitStatus(status)) {
    if (stop.hasEnded()) return onEnd(tid, stop);
    if (!resume(tid, Resume::kToSyscallStop) || !waitFor(tid, &status)) return;
  }
  Registers registers;
  if (!readRegisters(tid, &registers)) return;
  if (task.wanted == Wanted::kMasked) {
    task.space->vdso = maskAuxv(tid, registers, mask_.header);
    if (!arm(tid, false)) return;
  }
  proceed(tid, Resume::kContinue);
}

/** Makes a thread in a stop trap; false where it is gone then. `learn`: nothing is known of it so far. */
bool Supervisor::arm(pid_t tid, bool learn) {
  Task& task = tasks_[tid];
  knowVdso(tid, task);
  std::optional<int> end;
  {
    RemoteCalls calls(tid, task);
    task.armed = source_.arm(calls);
    task.segvBlocked = (calls.signalMask() & kSegvBit) != 0;
    if (learn && task.armed) {
      learnSegvState(calls, task);
      calls.giveBack();
      // One thread's guard is all threads': those that come later have it already.
      if (!task.space->guarded) task.space->guarded = hasGuard(tid) || installGuardIn(calls);
    }
    end = calls.end();
  }
  if (end) {
    if (WaitStatus(*end).terminatingSignal() == SIGSYS)
      complain(
          "process %d was killed by a seccomp filter of its own that forbids arch_prctl; a "
          "supervisor that runs as root can bypass it",
          tid);
    dispatch(tid, WaitStatus(*end));
    return false;
  }
  if (!task.armed) {
    complain("process %d can't be made to trap at CPUID; it is killed", tid);
    ++killed_;
    kill(tid);
  }
  return task.armed;
}

bool Supervisor::disarm(pid_t tid) {
  Task& task = tasks_[tid];
  knowVdso(tid, task);
  std::optional<int> end;
  bool disarmed;
  {
    RemoteCalls calls(tid, task);
    disarmed = source_.disarm(calls);
    end = calls.end();
  }
  if (end) {
    dispatch(tid, WaitStatus(*end));
    return false;
  }
  task.armed = !disarmed;
  return disarmed;
}

void Supervisor::skipCall(pid_t tid, int64_t result) {
  Registers registers;
  if (!readRegisters(tid, &registers)) return;
  registers.orig_rax = ~uint64_t{0};
  registers.rax = static_cast<uint64_t>(result);
  writeRegisters(tid, registers);
  proceed(tid, Resume::kContinue);
}

void Supervisor::onGuardedCall(pid_t tid, Task& task) {
  CallInfo info;
  memset(&info, 0, sizeof info);
  if (syscall(SYS_ptrace, PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) < 0) return;
  const uint64_t number = info.seccomp.nr & 0xffffffff;
  const SystemCalls& calls = callsOf(info.arch, number);
  uint64_t arguments[6];
  for (int place = 0; place < 6; ++place) arguments[place] = info.seccomp.args[place];
  // A filter of the task's own that asks for a tracer, as if there were none.
  if (info.seccomp.ret_data != kGuardMark) return skipCall(tid, -ENOSYS);
  if (number == calls.archPrctl && task.wanted == Wanted::kMasked) return onArchPrctl(tid, arguments);
  if (number == calls.seccomp) return skipCall(tid, -EBUSY);
  if (number == calls.clone3) return onClone3(tid, task, &calls == &kCalls32);
  if (number == calls.clone) {
    Registers registers;
    if (!readRegisters(tid, &registers)) return;
    (&calls == &kCalls32 ? registers.rbx : registers.rdi) &= ~uint64_t{CLONE_UNTRACED};
    writeRegisters(tid, registers);
  } else {
    followSignalCall(tid, task, calls, number, arguments);
  }
  proceed(tid, Resume::kContinue);
}

/**
 * clone3's flags lie in memory, where another thread could add CLONE_UNTRACED after a look; so what was
 * seen there is done by clone, whose arguments are registers. What clone can't say is answered as by a
 * kernel without clone3, which every caller knows how to deal with.
 */
void Supervisor::onClone3(pid_t tid, Task& task, bool is32) {
  struct {
    uint64_t flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls;
  } wanted;
  static_assert(sizeof wanted == 64, "CLONE_ARGS_SIZE_VER0");
  Registers registers;
  if (!readRegisters(tid, &registers)) return;
  const uint64_t at = is32 ? registers.rbx : registers.rdi;
  const uint64_t size = is32 ? registers.rcx : registers.rsi;
  if (size < sizeof wanted) return skipCall(tid, -EINVAL);
  if (size > 4096) return skipCall(tid, -E2BIG);
  if (readMemory(tid, at, &wanted, sizeof wanted) != sizeof wanted) return skipCall(tid, -EFAULT);
  const bool twoPointers = (wanted.flags & CLONE_PIDFD) != 0 && (wanted.flags & CLONE_PARENT_SETTID) != 0;
  char rest[4096 - sizeof wanted];
  const size_t more = static_cast<size_t>(size) - sizeof wanted;
  if (readMemory(tid, at + sizeof wanted, rest, more) != more) return skipCall(tid, -EFAULT);
  const bool hasMore = std::any_of(rest, rest + more, [](char byte) { return byte != 0; });
  if (wanted.flags > 0xffffffff || (wanted.flags & (CSIGNAL | CLONE_DETACHED)) != 0 || wanted.exitSignal > CSIGNAL ||
      twoPointers || hasMore)
    return skipCall(tid, -ENOSYS);
  if ((wanted.stack == 0) != (wanted.stackSize == 0)) return skipCall(tid, -EINVAL);
  const uint64_t flags = (wanted.flags & ~uint64_t{CLONE_UNTRACED}) | wanted.exitSignal;
  const uint64_t stack = wanted.stack == 0 ? 0 : wanted.stack + wanted.stackSize;
  const uint64_t told = (wanted.flags & CLONE_PIDFD) != 0 ? wanted.pidfd : wanted.parentTid;
  task.cloning = Cloning{flags, registers};
  if (is32) {
    registers.orig_rax = kCalls32.clone;
    registers.rbx = flags;
    registers.rcx = stack;
    registers.rdx = told;
    registers.rsi = wanted.tls;
    registers.rdi = wanted.childTid;
  } else {
    registers.orig_rax = kCalls64.clone;
    registers.rdi = flags;
    registers.rsi = stack;
    registers.rdx = told;
    registers.r10 = wanted.childTid;
    registers.r8 = wanted.tls;
  }
  writeRegisters(tid, registers);
  proceed(tid, Resume::kToSyscallStop);
}

/** Parent and child find their registers as a system call leaves them. */
void Supervisor::finishClone(pid_t tid, Task& task) {
  const Registers before = task.cloning->before;
  task.cloning.reset();
  Registers registers;
  if (!readRegisters(tid, &registers)) return;
  registers.rdi = before.rdi;
  registers.rsi = before.rsi;
  registers.rdx = before.rdx;
  registers.r10 = before.r10;
  registers.r8 = before.r8;
  registers.rbx = before.rbx;
  if (before.cs == kCode32) registers.rcx = before.rcx;
  // -1 stays: a child that has no system call to come back from must not have one restarted.
  if (static_cast<int64_t>(registers.orig_rax) >= 0) registers.orig_rax = before.orig_rax;
  writeRegisters(tid, registers);
}

void Supervisor::onArchPrctl(pid_t tid, const uint64_t (&arguments)[6]) {
  constexpr uint32_t kSupported = 0x1021, kPermitted = 0x1022, kRequest = 0x1023, kGuestPermitted = 0x1024;
  switch (static_cast<uint32_t>(arguments[0])) {
    case kArchGetCpuid:
      return skipCall(tid, 1);
    case kArchSetCpuid:
      // As on a CPU without faulting: the one answer that a task which sees CPUID work can believe.
      return skipCall(tid, -ENODEV);
    case kRequest:
      if (arguments[1] < 64 && (mask_.header.xcompPermitted >> arguments[1] & 1) != 0) {
        tasks_[tid].space->granted |= uint64_t{1} << arguments[1];
        proceed(tid, Resume::kContinue);
        return;
      }
      return skipCall(tid, -EOPNOTSUPP);
    case kSupported:
    case kPermitted:
    case kGuestPermitted: {
      // The whole host's: the supervisor asks for itself, and shows what the mask has of it.
      uint64_t shown = 0;
      if (syscall(SYS_arch_prctl, arguments[0], &shown) != 0) return skipCall(tid, -errno);
      if (arguments[0] == kPermitted) shown |= tasks_[tid].space->granted;
      shown &= mask_.header.xcr0 | mask_.header.xcompPermitted;
      return skipCall(tid, writeMemory(tid, arguments[1], &shown, sizeof shown) ? 0 : -EFAULT);
    }
    default:
      return skipCall(tid, -EOPNOTSUPP);
  }
}

}  // namespace cpugate
