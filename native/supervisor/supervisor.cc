#include "supervisor.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "auxv.h"
#include "complain.h"
#include "cpuid_trap.h"
#include "guard.h"
#include "instruction.h"
#include "interrupted_call.h"
#include "memory.h"
#include "monotonic.h"
#include "processes.h"
#include "segv_action.h"
#include "self_arming.h"
#include "system_calls.h"
#include "task_status.h"
#include "waits.h"

namespace cpugate {

namespace {

constexpr timespec kMoment{0, 200'000};
/** Every so many statuses, one is taken in turn. */
constexpr unsigned kTurns = 16;
/** How long a parent may take to tell of its child, and a child's end is remembered for it. */
constexpr int64_t kPatience = 200;
constexpr int64_t kMemory = 10'000;
constexpr size_t kMostEnded = 4096;
/** How often calls are looked at, and the time of a CPU that a thread may take on its way to one.
 */
constexpr int64_t kLook = 1'000;
constexpr int64_t kMostOnTheWay = 200;

/** Of all threads of a process, past places where nobody knows what is CPUID: some 10 µs each. */
constexpr uint64_t kMostSteps = 20'000;
/** Of a thread, to execute an instruction whose memory is executable already. */
constexpr unsigned kMostTriesAgain = 200;
constexpr uint64_t kTrapFlag = 1u << 8;
/** The same number for all ways in. */
constexpr uint64_t kClone3 = 435;

/**
 * It stands at a CPUID whose signal it hasn't come to yet: other stops come before signals. Such a
 * signal is never blocked, since it is forced.
 */
bool hasTrapComing(const Task& task) {
  if (!task.armed) return false;
  const TaskStatus status(task.tid);
  return (status.signals("SigPnd") & ~status.signals("SigBlk") & kSegvBit) != 0;
}

/** Milliseconds of a CPU that a thread has used; 0 where it isn't told. */
int64_t cpuTimeOf(pid_t tid) {
  const StatFile stat(tid);
  // In its own code and in the kernel's, in hundredths of a second.
  const auto own = stat.number(14);
  const auto kernel = stat.number(15);
  return own && kernel ? static_cast<int64_t>(*own + *kernel) * 10 : 0;
}

/** Whether parent and child share it, by the kernel's word; without that (no kcmp) they don't. */
bool share(pid_t parent, pid_t child, int what) {
  return syscall(SYS_kcmp, parent, child, what, 0, 0) == 0;
}

std::shared_ptr<SegvAction> copyOf(const SegvAction& action) {
  auto copy = std::make_shared<SegvAction>();
  copy->own = action.own;
  copy->isHandled = action.isHandled;
  return copy;
}

std::shared_ptr<AddressSpace> copyOf(const AddressSpace& space) {
  auto copy = std::make_shared<AddressSpace>();
  copy->vdso = space.vdso;
  copy->is32 = space.is32;
  copy->granted = space.granted;
  copy->guarded = space.guarded;
  copy->cameLater = space.cameLater;
  copy->mayBlock = space.mayBlock;
  copy->code = space.code;
  return copy;
}

Event eventOf(WaitStatus status) {
  switch (status.kind()) {
    case WaitStatus::Kind::kExited:
    case WaitStatus::Kind::kSignaled:
      return Event::kEnd;
    case WaitStatus::Kind::kSignalStop:
      return Event::kSignal;
    case WaitStatus::Kind::kGroupStop:
      return Event::kGroupStop;
    case WaitStatus::Kind::kSyscallStop:
    case WaitStatus::Kind::kOther:
      return Event::kSyscall;
    case WaitStatus::Kind::kEventStop:
      break;
  }
  switch (status.event()) {
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      return Event::kChild;
    case PTRACE_EVENT_EXEC:
      return Event::kExec;
    case PTRACE_EVENT_SECCOMP:
      return Event::kGuardedCall;
    case PTRACE_EVENT_EXIT:
      return Event::kExit;
    default:
      return Event::kOwnStop;
  }
}

void noteArmed(Task& task, bool armed) {
  if (task.armed != armed) task.action->armed += armed ? 1 : -1;
  task.armed = armed;
}

/** The call that a thread stands at the entry of isn't made, and has this result; false: it is
 * gone. */
bool answerCall(pid_t tid, int64_t result) {
  Registers registers;
  if (!readRegisters(tid, &registers)) return false;
  registers.orig_rax = ~uint64_t{0};
  registers.rax = static_cast<uint64_t>(result);
  writeRegisters(tid, registers);
  return true;
}

/** An instruction that couldn't be executed, as far as the kernel tells: from its page, or the
 * next.
 */
bool mayBeFetchFault(const Task& task, const siginfo_t& info, const Registers& registers) {
  if (info.si_code != SEGV_ACCERR) return false;
  const auto address = reinterpret_cast<uint64_t>(info.si_addr);
  // Where another segment begins isn't looked up.
  if (registers.cs != kCode64) return task.space->code.heldAt(address).has_value();
  return address >= registers.rip && address - registers.rip < kMaxInstructionBytes;
}

bool isSettledTask(const Task& task) {
  return isSettled({.intent = task.intent, .armed = task.armed});
}

/** And nothing is being done in its name any more. */
bool isAtRest(const Task& task) { return isSettledTask(task) && task.state != State::kInScript; }

}  // namespace

Supervisor::Supervisor(const Mask& mask, const TrapSource& source)
    : mask_(mask), source_(source), answers_(mask) {}

void Supervisor::addLaunched(pid_t tid) {
  Task& task = tasks_.add(tid);
  task.space->guarded = true;
  // Its first program clears the trap that it hasn't got.
  noteArmed(task, true);
}

void Supervisor::addRunning(pid_t tid, const Task* like, Origin origin) {
  Task& task = tasks_.add(tid);
  task.tellsEnd = true;
  task.space->guarded = origin.guarded;
  task.space->cameLater = origin.cameLater;
  mayOrphansBeLater_ |= origin.cameLater;
  if (like == nullptr) return;
  task.action = like->action;
  task.space = like->space;
}

bool Supervisor::holdsLater() const {
  return !tasks_.all([](const Task& task) { return !task.space->cameLater; });
}

uint64_t Supervisor::leftUnproven() const {
  std::unordered_set<const AddressSpace*> counted;
  uint64_t left = 0;
  tasks_.each([&](const Task& task) {
    if (counted.insert(task.space.get()).second) left += task.space->code.left.size();
  });
  return left;
}

bool Supervisor::heldLately(pid_t tid) const {
  // More have ended than are remembered: it may be one of them.
  if (ended_.size() >= kMostEnded) return true;
  const int64_t now = monotonicMilliseconds();
  return std::ranges::any_of(
      ended_, [&](const auto& one) { return one.first == tid && now - one.second < kMemory; });
}

std::vector<pid_t> Supervisor::processes() const {
  std::vector<pid_t> list;
  for (const pid_t tid : tasks_.numbers()) {
    const auto process = static_cast<pid_t>(TaskStatus(tid).number("Tgid"));
    if (process > 0 && std::find(list.begin(), list.end(), process) == list.end())
      list.push_back(process);
  }
  return list;
}

bool Supervisor::isMasked(pid_t process) const {
  const std::vector<pid_t> threads = threadsOf(process);
  return !threads.empty() && std::all_of(threads.begin(), threads.end(), [this](pid_t tid) {
    const Task* task = tasks_.find(tid);
    return task != nullptr && task->intent == Intent::kMasked && task->armed;
  });
}

namespace {

/** Files of tasks are kept open: as many as this process may have, whatever it was started with. */
void allowFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::optional<WaitStatus> Supervisor::run(pid_t root, const std::function<bool()>& isDone) {
  source_.armOwnThread();
  allowFiles();
  root_ = root;
  while (!tasks_.isEmpty() || !isDone()) {
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
  source_.armOwnThread();
  const int64_t last = monotonicMilliseconds() + limit;
  while (!isDone()) {
    int status;
    const pid_t tid = next(&status, false);
    if (tid > 0) {
      dispatch(tid, WaitStatus(status));
    } else {
      if (monotonicMilliseconds() > last) return false;
      nanosleep(&kMoment, nullptr);
    }
  }
  return true;
}

/**
 * A call in a task's name is at hand a few instructions on. Who computes for longer on the way has
 * been given other code, and would do so for ever, with its signals blocked.
 */
void Supervisor::endStuckCalls() {
  if (!areCallsAwaited()) return;
  const int64_t now = monotonicMilliseconds();
  if (now - lastLook_ < kLook) return;
  lastLook_ = now;
  tasks_.each([this](Task& task) {
    if (!task.comesToCall) return;
    const int64_t used = cpuTimeOf(task.tid);
    if (task.cpuTimeBefore < 0) {
      task.cpuTimeBefore = used;
    } else if (used - task.cpuTimeBefore > kMostOnTheWay) {
      complain("process %d runs other code than it was given; it is killed", task.tid);
      kill(task);
    }
  });
}

/** 0: nothing has happened, unless it may wait; negative as waitpid's. */
pid_t Supervisor::next(int* status, bool mayWait) {
  finishTransfers();
  startOrphans();
  finishScripts();
  endStuckCalls();
  if (tasks_.size() > 1 && ++turn_ % kTurns == 0)
    if (const pid_t tid = nextInRound(status); tid > 0) return tid;
  return mayWait ? waitUntil(-1, status) : lookFor(-1, status);
}

/**
 * The kernel tells of those first that came last. Where they stop faster than they can be dealt
 * with, the others would never go on: every now and then one of them is asked for by its number.
 */
pid_t Supervisor::nextInRound(int* status) {
  if (round_.empty()) round_ = tasks_.numbers();
  const pid_t tid = round_.back();
  round_.pop_back();
  return lookFor(tid, status);
}

/** Whose child it is isn't known. */
void Supervisor::takeForOrphan(Task& task) const {
  task.intent = intentOfOrphans_;
  task.space->cameLater = mayOrphansBeLater_;
}

/**
 * A parent that is killed, or whose process executes a program,
 * at the very moment of its fork tells nothing.
 */
void Supervisor::startOrphans() {
  if (waiting_.empty()) return;
  const int64_t now = monotonicMilliseconds();
  std::vector<pid_t> orphans;
  for (const pid_t tid : waiting_)
    if (const Task* task = tasks_.find(tid); task == nullptr || now - task->waitsSince > kPatience)
      orphans.push_back(tid);
  for (const pid_t tid : orphans) {
    waiting_.erase(tid);
    Task* task = tasks_.find(tid);
    if (task == nullptr) continue;
    takeForOrphan(*task);
    if (source_.watchesCode()) inheritCode(*task);
    // It may trap or not; what isn't so is made so.
    noteArmed(*task, task->intent != Intent::kMasked);
    settle(*task, Event::kParentIsGone);
  }
}

/** What was done to the code of a process is done in a child's from its start. */
void Supervisor::inheritCode(Task& task) {
  const TaskStatus status(task.tid);
  const auto process = static_cast<pid_t>(status.number("Tgid"));
  const bool isThread = process != task.tid;
  const Task* other = tasks_.find(isThread ? process : static_cast<pid_t>(status.number("PPid")));
  if (other == nullptr) return;
  task.space = isThread ? other->space : copyOf(*other->space);
  // It may be another's child (CLONE_PARENT): all is looked at once more.
  if (!isThread) task.space->code.isDone = false;
}

bool Supervisor::interrupt(pid_t tid) {
  return syscall(SYS_ptrace, PTRACE_INTERRUPT, tid, 0, 0) == 0;
}

void Supervisor::want(pid_t tid, Intent intent) {
  if (Task* task = tasks_.find(tid)) task->intent = intent;
}

void Supervisor::wantAll(Intent intent) {
  intentOfOrphans_ = intent;
  tasks_.each([intent](Task& task) { task.intent = intent; });
}

bool Supervisor::isSettled(pid_t tid) const {
  const Task* task = tasks_.find(tid);
  return task == nullptr || isAtRest(*task);
}

bool Supervisor::areAllSettled() const { return tasks_.all(isAtRest); }

void Supervisor::gather(bool gathering) {
  gathering_ = gathering;
  if (!gathering) return;
  // A thread that listens for SIGCONT can't be asked anything.
  tasks_.each([this](const Task& task) {
    if (task.state == State::kListening) interrupt(task.tid);
  });
}

bool Supervisor::areAllHeld() const {
  return tasks_.all([](const Task& task) { return task.state == State::kHeld; });
}

void Supervisor::listenAgain() {
  tasks_.each([this](Task& task) {
    if (task.state != State::kHeld) return;
    task.state = State::kListening;
    if (resume(task.tid, Resume::kListen)) return;
    task.state = State::kRunning;
    proceed(task);
  });
}

bool Supervisor::letGoTrapping() {
  std::vector<const SegvAction*> done;
  for (const pid_t tid : tasks_.numbers()) {
    Task* task = tasks_.find(tid);
    if (task == nullptr || std::find(done.begin(), done.end(), task->action.get()) != done.end())
      continue;
    done.push_back(task->action.get());
    begin(*task, giveBack(*task));
  }
  constexpr int64_t kLimit = 5'000;
  if (!runUntil([this] { return areAllHeld(); }, kLimit)) return false;
  for (const pid_t tid : tasks_.numbers()) letGo(tid);
  return true;
}

Script Supervisor::giveBack(Task& task) {
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  co_await giveActionBack(calls);
}

/**
 * Any stop makes the kernel forget that it was asked for another
 * (kernel/signal.c, ptrace_stop): so it is asked again.
 */
void Supervisor::proceed(Task& task, int signal) {
  // Where something was done in its name, its process's group stop is over for it: so it comes to
  // it once more.
  if (!isSettledTask(task) || task.inGroupStop) interrupt(task.tid);
  resume(task.tid, Resume::kContinue, signal);
}

void Supervisor::forget(pid_t tid) {
  Task* task = tasks_.find(tid);
  if (task == nullptr) return;
  noteArmed(*task, false);
  task->isOver = true;
  tasks_.remove(tid);
}

void Supervisor::letGo(pid_t tid) {
  syscall(SYS_ptrace, PTRACE_DETACH, tid, 0, 0);
  forget(tid);
}

void Supervisor::begin(Task& task, Script script) {
  task.state = State::kInScript;
  task.script = whole(task, std::move(script));
  task.script.start();
}

Script Supervisor::whole(Task& task, Script script) {
  co_await script;
  finished_.push_back(task.tid);
}

/** Those whose scripts have come to their end go on. */
void Supervisor::finishScripts() {
  while (!finished_.empty()) {
    const pid_t tid = finished_.back();
    finished_.pop_back();
    Task* task = tasks_.find(tid);
    // A number can be another's by now.
    if (task == nullptr || task->state != State::kInScript || !task->script.isDone()) continue;
    task->script = {};
    if (task->putOff) {
      task->state = State::kRunning;
      dispatch(tid, *std::exchange(task->putOff, std::nullopt));
      continue;
    }
    if (task->intent == Intent::kGone && !task->armed && !task->redelivered) {
      letGo(tid);
      continue;
    }
    if (gathering_ && task->inGroupStop && isSettledTask(*task) && !task->redelivered) {
      task->state = State::kHeld;
      continue;
    }
    task->state = State::kRunning;
    proceed(*task, task->redelivered ? task->redelivered->si_signo : 0);
  }
}

void Supervisor::dispatch(pid_t tid, WaitStatus status) {
  const Event event = eventOf(status);
  if (event == Event::kEnd) {
    onEnd(tid, status);
    return finishScripts();
  }
  Task* task = tasks_.find(tid);
  if (event == Event::kExec) {
    unsigned long former;
    // Another thread than the first has executed a program, and is the first from now on.
    if (readEventMessage(tid, &former) && static_cast<pid_t>(former) != tid) {
      forget(tid);
      task = tasks_.rename(static_cast<pid_t>(former), tid);
    }
  }
  if (task == nullptr) {
    // A child whose parent hasn't told of it yet: until then nothing is known of it.
    task = &tasks_.add(tid);
    task->isNew = true;
    endedEarly_.erase(tid);
    if (event != Event::kExec) {
      task->waitsSince = monotonicMilliseconds();
      waiting_.insert(tid);
      return settle(*task, Event::kFirstStop);
    }
    // What has executed a program shows that nobody will tell.
    takeForOrphan(*task);
  }
  const bool isOwnStop = event == Event::kOwnStop && task->state != State::kHeld;
  if (task->state != State::kInScript && task->state != State::kAwaitingParent) {
    // A wish to stop, not the end of a group stop, which interrupts a bare program as well.
    if (isOwnStop && !task->inGroupStop && !task->isNew) restartIfInterrupted(*task, 0);
    if (event == Event::kGroupStop) task->inGroupStop = true;
    if (isOwnStop) task->inGroupStop = false;
  }
  perform(*task, cpugate::next(task->state, event, factsOf(*task, event)), status);
  finishScripts();
}

Facts Supervisor::factsOf(const Task& task, Event event) const {
  Facts facts{.intent = task.intent,
              .armed = task.armed,
              .trapComing = false,
              .gathering = gathering_,
              .inGroupStop = task.inGroupStop};
  const bool settles =
      event == Event::kOwnStop || event == Event::kGroupStop || event == Event::kParentTells;
  const bool matters = !cpugate::isSettled(facts) || facts.inGroupStop || gathering_;
  if (settles && matters) facts.trapComing = hasTrapComing(task);
  return facts;
}

void Supervisor::settle(Task& task, Event event) {
  perform(task, cpugate::next(task.state, event, factsOf(task, event)), WaitStatus(0));
}

void Supervisor::perform(Task& task, Step step, WaitStatus status) {
  task.state = step.state;
  switch (step.action) {
    case Action::kStay:
      return;
    case Action::kGoOn:
      if (std::exchange(task.isNew, false)) {
        // Only a first thread's end can be taken for another's (watchEnd).
        if (task.tellsEnd && setOptions(task.tid, taskOptions(false))) task.tellsEnd = false;
        if (task.mayLackHandlers && task.armed && hasLostHandler(task))
          return begin(task, repair(task, false, std::nullopt));
      }
      proceed(task);
      return;
    case Action::kAnswerFirst:
      resume(task.tid, Resume::kContinue);
      return;
    case Action::kSetTrap:
      return begin(task, setTrap(task));
    case Action::kClearTrap:
      return begin(task, clearTrap(task));
    case Action::kLetGo:
      return letGo(task.tid);
    case Action::kListen:
      resume(task.tid, Resume::kListen);
      return;
    case Action::kHold:
      return;
    case Action::kToScript:
      if (task.nextStop.isAwaited()) task.nextStop.give(status);
      return;
    case Action::kDeliver:
      return onSignal(task, status.stopSignal());
    case Action::kStartProgram:
      return begin(task, startProgram(task));
    case Action::kAnswerCall:
      return onGuardedCall(task);
    case Action::kIntroduceChild:
      onChild(task, status.event() == PTRACE_EVENT_VFORK);
      proceed(task);
      return;
    case Action::kForget:
      return forget(task.tid);
  }
}

void Supervisor::onEnd(pid_t tid, WaitStatus status) {
  Task* task = tasks_.find(tid);
  if (task != nullptr && task->state == State::kInScript && status.terminatingSignal() == SIGSYS)
    complain(
        "process %d was killed by a seccomp filter of its own that forbids arch_prctl; a "
        "supervisor that runs as root can bypass it",
        tid);
  const int64_t now = monotonicMilliseconds();
  // A child can be killed before its parent tells of it.
  if (waiting_.erase(tid) > 0 || task == nullptr) {
    // Now and then, so that a task that makes many doesn't hold up others.
    if (endedEarly_.size() % 256 == 255)
      std::erase_if(endedEarly_, [now](const auto& one) { return now - one.second > kMemory; });
    endedEarly_[tid] = now;
  }
  while (!ended_.empty() && now - ended_.front().second > kMemory) ended_.pop_front();
  if (ended_.size() < kMostEnded) ended_.emplace_back(tid, now);
  forget(tid);
  if (tid == root_) rootEnd_ = status;
}

void Supervisor::kill(const Task& task) { signalThread(task.tid, SIGKILL); }

void Supervisor::onSignal(Task& task, int signal) {
  if (signal == SIGSEGV) return onSegv(task);
  restartIfInterrupted(task, signal);
  proceed(task, signal);
}

void Supervisor::onSegv(Task& task) {
  siginfo_t info;
  Registers registers;
  if (!readSignal(task.tid, &info)) return;
  if (task.redelivered) {
    info = *std::exchange(task.redelivered, std::nullopt);
    writeSignal(task.tid, info);
    return deliverOwnSegv(task, info);
  }
  if (!task.armed) return deliverOwnSegv(task, info);
  if (!readRegisters(task.tid, &registers)) return;
  if (source_.watchesCode() && mayBeFetchFault(task, info, registers))
    return begin(task, lookAtFetch(task, info));
  const bool isTrap = source_.isTrapSignal(info);
  if (isInOwnSegment(registers) && !isTrap) return deliverOwnSegv(task, info);
  if (isInOwnSegment(registers) || !isAtHand(task, placeOf(registers), kMaxInstructionBytes))
    return begin(task, lookAtSegv(task, info));
  const size_t length = cpuidAt(task, registers);
  if (length != 0) return answerTrap(task, registers, length, info);
  uint8_t byte;
  // Nobody may read it (of an undumpable task).
  if (isTrap && readMemory(task.tid, registers.rip, &byte, 1) != 1)
    return begin(task, lookAtSegv(task, info));
  deliverOwnSegv(task, info);
}

void Supervisor::answerTrap(Task& task, const Registers& at, size_t length, const siginfo_t& info) {
  const bool lostHandler = hasLostHandler(task);
  const bool isTrap = source_.isTrapSignal(info);
  // Somebody's own signal for a thread that is about to execute CPUID: it comes first.
  if (!isTrap && !lostHandler) return deliverOwnSegv(task, info);
  Registers registers = at;
  const CpuidRegisters answer = answers_.answer(static_cast<uint32_t>(registers.rax),
                                                static_cast<uint32_t>(registers.rcx), task.tid);
  putAnswer(registers, answer, length);
  ++answered_;
  if (!writeRegisters(task.tid, registers)) return;
  if (lostHandler) {
    uint64_t mask = 0;
    const bool blocked = readSignalMask(task.tid, &mask) && wasBlocked(task, mask);
    return begin(task, repair(task, blocked, isTrap ? std::nullopt : std::optional(info)));
  }
  if ((registers.eflags & kTrapFlag) == 0) {
    proceed(task);
    return;
  }
  // The task steps itself: the instruction that wasn't executed traps as if it had been.
  siginfo_t step;
  memset(&step, 0, sizeof step);
  step.si_signo = SIGTRAP;
  step.si_code = TRAP_TRACE;
  step.si_addr = reinterpret_cast<void*>(registers.rip);
  writeSignal(task.tid, step);
  proceed(task, SIGTRAP);
}

/**
 * The handler is gone, so a thread that blocked SIGSEGV has trapped. It is this one, unless another
 * of its process stands at such a trap, too: then the one is taken for it that blocks others of its
 * kind as well.
 */
bool Supervisor::wasBlocked(const Task& task, uint64_t mask) const {
  // Of a process with very many threads not all are asked: that would hold up everybody else.
  constexpr int kMostAsked = 64;
  bool isOnlyOne = true;
  int asked = 0;
  tasks_.each([&](const Task& other) {
    if (&other == &task || other.action != task.action || !isOnlyOne) return;
    if (++asked > kMostAsked || hasTrapComing(other)) isOnlyOne = false;
  });
  if (isOnlyOne) return true;
  constexpr uint64_t kSuchlike = bitOf(SIGILL) | bitOf(SIGBUS) | bitOf(SIGFPE) | bitOf(SIGTRAP);
  return (mask & kSuchlike) != 0;
}

Script Supervisor::repair(Task& task, bool blocked, std::optional<siginfo_t> again) {
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  if (task.mayLackHandlers && !blocked && task.action->own.handler > 1) task.action->own = {};
  task.mayLackHandlers = false;
  co_await repairIn(calls, blocked, again);
}

/** The kernel has a handler again, and what else the trap has destroyed. */
Co<void> Supervisor::repairIn(RemoteCalls& calls, bool blocked, std::optional<siginfo_t> again) {
  calls.task().action->isHandled = false;
  co_await standIn(calls);
  if (again) co_await queueAgain(calls, *again);
  if (blocked) calls.signalMask() |= kSegvBit;
}

void Supervisor::deliverOwnSegv(Task& task, const siginfo_t& info) {
  SegvAction& action = *task.action;
  const bool has = !action.isHandled || hasHandler(task).value_or(true);
  const OwnSegv what = action.isHandled ? judgeOwnSegv(action, has, info) : OwnSegv::kDeliver;
  if (what == OwnSegv::kDefault) return begin(task, makeDefault(task, info));
  if (what == OwnSegv::kDeliver && has) noteDelivered(action);
  proceed(task, what == OwnSegv::kDrop ? 0 : SIGSEGV);
}

/** For the signal's default the kernel must have it. */
Script Supervisor::makeDefault(Task& task, siginfo_t info) {
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  task.action->own.handler = 0;
  co_await giveActionBack(calls);
  // What was done took the signal out of its stop; it comes once more.
  task.redelivered = info;
}

/** A fault whose instruction takes long to look at, or is read only with the task's own help. */
Script Supervisor::lookAtSegv(Task& task, siginfo_t info) {
  Registers registers;
  if (!readRegisters(task.tid, &registers)) co_return;
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  const bool isTrap = source_.isTrapSignal(info);
  // It has left a restartable sequence, and will never execute that instruction.
  const bool hasLeft = calls.registers().rip != registers.rip;
  if (hasLeft && isTrap) co_return;
  size_t length = 0;
  co_await calls.openMemory();
  if (hasLeft) {
    length = 0;
  } else if (isInOwnSegment(registers)) {
    const auto base = co_await ownSegmentBase(calls);
    if (base) length = co_await findCpuidIn(task, *base, registers.rip);
  } else {
    length = co_await findCpuid(task, registers);
  }
  co_await calls.closeMemory();
  const bool lostHandler = hasLostHandler(task);
  if (length == 0 || (!isTrap && !lostHandler)) {
    // Reading the instruction may have taken it out, or not.
    co_await redeliver(calls, info);
    co_return;
  }
  const CpuidRegisters answer = answers_.answer(static_cast<uint32_t>(registers.rax),
                                                static_cast<uint32_t>(registers.rcx), task.tid);
  putAnswer(calls.registers(), answer, length);
  ++answered_;
  if (!lostHandler) co_return;
  const bool blocked = wasBlocked(task, calls.signalMask());
  co_await repairIn(calls, blocked, isTrap ? std::nullopt : std::optional(info));
}

/** `held`: what was given only for as long as the thread is there. */
Co<void> Supervisor::giveExecution(Task& task, siginfo_t info, std::optional<Held>& held) {
  Registers registers;
  if (!readRegisters(task.tid, &registers)) co_return;
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  const auto space = task.space;
  Turn turn(space->codeTurns);
  co_await turn;
  const auto address = reinterpret_cast<uint64_t>(info.si_addr);
  const Fetched fetched = co_await source_.onFetchFault(calls, address, registers.rip);
  const bool isAgain = fetched.what == Fetched::What::kAgain;
  if (!isAgain || task.triedAgainAt != registers.rip) task.triesAgain = 0;
  task.triedAgainAt = registers.rip;
  // Others may take it away and give it, again and again; what is never executed is another fault.
  const bool isOwn =
      fetched.what == Fetched::What::kOwn || (isAgain && ++task.triesAgain > kMostTriesAgain);
  if (isOwn) {
    co_await redeliver(calls, info);
    co_return;
  }
  if (hasLostHandler(task)) {
    const bool blocked = wasBlocked(task, calls.signalMask());
    co_await repairIn(calls, blocked, std::nullopt);
  }
  held = fetched.until;
}

/** Memory that isn't executable: the task's own fault, or memory that was held until now. */
Script Supervisor::lookAtFetch(Task& task, siginfo_t info) {
  std::optional<Held> held;
  co_await giveExecution(task, info, held);
  if (!held) co_return;
  const bool isOut = co_await stepOut(task, held->range);
  if (!isOut) {
    task.space->code.left.insert(held->range.from);
    co_return;
  }
  const auto space = task.space;
  Turn turn(space->codeTurns);
  co_await turn;
  RemoteCalls calls(task);
  // Who is let go has his code as it was, and so have the other threads of his process.
  if (task.intent != Intent::kMasked) co_return;
  if (!co_await calls.begin()) co_return;
  co_await source_.holdAgain(calls, *held);
}

namespace {

/** The next instruction of a thread, without its prefixes, is PUSHF. */
bool pushesFlags(const Task& task) {
  Registers registers;
  uint64_t word;
  if (!readRegisters(task.tid, &registers) || !peekCode(task.tid, registers.rip, &word))
    return false;
  for (; (word & 0xff) == 0x66 || (word & 0xf0) == 0x40; word >>= 8) continue;
  return (word & 0xff) == 0x9c;
}

/** A step is made with the trap flag set, which the program shall not find in what it pushes. */
void clearPushedTrapFlag(pid_t tid, const Registers& registers) {
  uint16_t flags;
  if (readMemory(tid, registers.rsp, &flags, sizeof flags) != sizeof flags) return;
  flags = static_cast<uint16_t>(flags & ~kTrapFlag);
  writeMemory(tid, registers.rsp, &flags, sizeof flags);
}

bool isStepOf(pid_t tid, WaitStatus stop) {
  siginfo_t info;
  return stop.kind() == WaitStatus::Kind::kSignalStop && stop.stopSignal() == SIGTRAP &&
         readSignal(tid, &info) && info.si_code == TRAP_TRACE;
}

}  // namespace

/** A CPUID on the way. */
bool Supervisor::answerBetweenSteps(Task& task, WaitStatus stop) {
  siginfo_t info;
  Registers registers;
  if (stop.kind() != WaitStatus::Kind::kSignalStop || stop.stopSignal() != SIGSEGV ||
      !readSignal(task.tid, &info) || !source_.isTrapSignal(info) || hasLostHandler(task) ||
      !readRegisters(task.tid, &registers))
    return false;
  const size_t length = cpuidAt(task, registers);
  if (length == 0) return false;
  const CpuidRegisters answer = answers_.answer(static_cast<uint32_t>(registers.rax),
                                                static_cast<uint32_t>(registers.rcx), task.tid);
  putAnswer(registers, answer, length);
  ++answered_;
  return writeRegisters(task.tid, registers);
}

/**
 * Lets a thread run up to where it leaves a range of addresses. False: it may be there still, since
 * it takes long or something else has happened.
 */
Co<bool> Supervisor::stepOut(Task& task, Range range) {
  // The kernel forces the signal of a step: who blocks or ignores it would lose its action.
  const TaskStatus status(task.tid);
  if (((status.signals("SigBlk") | status.signals("SigIgn")) & bitOf(SIGTRAP)) != 0)
    co_return false;
  Registers registers;
  // Who steps himself is told of each step.
  if (!readRegisters(task.tid, &registers) || (registers.eflags & kTrapFlag) != 0) co_return false;
  while (task.space->code.steps++ < kMostSteps) {
    const bool isFlagsPush = pushesFlags(task);
    if (!resume(task.tid, Resume::kStep)) co_return false;
    const WaitStatus stop = co_await task.nextStop;
    const bool goesOn = isStepOf(task.tid, stop) || answerBetweenSteps(task, stop);
    if (!readRegisters(task.tid, &registers)) co_return false;
    if (goesOn && isFlagsPush) clearPushedTrapFlag(task.tid, registers);
    // The kernel takes it for the task's own behind instructions that change flags.
    if ((registers.eflags & kTrapFlag) != 0) {
      registers.eflags &= ~kTrapFlag;
      writeRegisters(task.tid, registers);
    }
    if (!goesOn) {
      task.putOff = stop;
      co_return false;
    }
    if (!range.has(registers.rip)) co_return true;
  }
  co_return false;
}

/** A signal that was looked at comes once more: a call takes it out of its stop for certain. */
Co<void> Supervisor::redeliver(RemoteCalls& calls, siginfo_t info) {
  constexpr long kGetpid32 = 20;
  const RemoteCalls::Arguments none{};
  co_await calls.call(SYS_getpid, kGetpid32, none);
  calls.task().redelivered = info;
}

void Supervisor::onChild(Task& parent, bool waits) {
  unsigned long message;
  if (!readEventMessage(parent.tid, &message)) return;
  const auto tid = static_cast<pid_t>(message);
  Task* child = tasks_.find(tid);
  if (child == nullptr && endedEarly_.erase(tid) > 0) return;
  waiting_.erase(tid);
  const bool isThere = child != nullptr && child->state == State::kAwaitingParent;
  // Told of late: it was taken for an orphan, and all is known of it.
  if (child != nullptr && !isThere) return;
  if (child == nullptr) child = &tasks_.add(tid);
  child->isNew = true;
  child->holdsParent = waits;
  child->intent = parent.intent;
  child->tellsEnd = parent.tellsEnd;
  const bool sharesAction = share(parent.tid, tid, KCMP_SIGHAND);
  const bool sharesMemory = share(parent.tid, tid, KCMP_VM);
  child->action = sharesAction ? parent.action : copyOf(*parent.action);
  child->space = sharesMemory ? parent.space : copyOf(*parent.space);
  noteArmed(*child, parent.armed);
  Registers registers;
  if (!sharesAction && readRegisters(parent.tid, &registers))
    child->mayLackHandlers = (registers.orig_rax & ~uint64_t{kX32Bit}) == kClone3;
  if (sharesAction) watchEnd(parent);
  if (isThere) settle(*child, Event::kParentTells);
}

/**
 * A thread that executes a program takes the first one's number, as soon as that has ended. If it
 * came between a stop of the first and what is done for it, that would be done to the new program,
 * unarmed. So the first doesn't end before it was let go from a stop of its own for it.
 */
void Supervisor::watchEnd(Task& task) {
  if (!task.tellsEnd) task.tellsEnd = setOptions(task.tid, taskOptions(true));
}

Script Supervisor::startProgram(Task& task) {
  task.armed = false;
  task.inGroupStop = task.mayLackHandlers = task.isNew = task.holdsParent = false;
  task.redelivered.reset();
  task.putOff.reset();
  task.restarted = {};
  task.stat = {};
  const auto old = task.space;
  task.space = std::make_shared<AddressSpace>();
  task.space->guarded = old->guarded;
  // What the CPU showed may have chosen the program.
  task.space->cameLater = old->cameLater;
  const SignalAction before = task.action->own;
  task.action = std::make_shared<SegvAction>();
  // Handlers end with the program that they were part of; "ignored" stays (POSIX, exec).
  if (before.handler == 1) task.action->own.handler = 1;
  do {
    if (!resume(task.tid, Resume::kToSyscallStop)) co_return;
    const WaitStatus stop = co_await task.nextStop;
    if (stop.kind() == WaitStatus::Kind::kSyscallStop) break;
  } while (true);
  Registers registers;
  if (!readRegisters(task.tid, &registers) || task.intent != Intent::kMasked) co_return;
  task.space->is32 = registers.cs == kCode32;
  task.space->vdso = maskAuxv(task.tid, registers, mask_.header);
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  if (co_await arm(calls)) co_await standIn(calls);
}

/** Makes a thread trap; what can't be made to is killed. */
Co<bool> Supervisor::arm(RemoteCalls& calls) {
  Task& task = calls.task();
  const bool armed = co_await source_.arm(calls);
  noteArmed(task, armed);
  if (armed) co_return true;
  complain("process %d can't be made to trap at CPUID; it is killed", task.tid);
  ++killed_;
  kill(task);
  co_return false;
}

/** Of a thread of which nothing is known so far, or that traps once more. */
Script Supervisor::setTrap(Task& task) {
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  Turn turn(task.action->calls);
  co_await turn;
  const bool isFirst = task.action->armed == 0;
  if (!co_await arm(calls)) co_return;
  if (isFirst) {
    task.space->mayBlock = task.space->mayBlock || hasUserfaultfd(task.tid);
    co_await learnAction(calls);
    co_await standIn(calls);
  }
  // One thread's guard is all threads': those that come later have it already.
  if (task.space->guarded) co_return;
  task.space->guarded = hasGuard(task.tid);
  if (!task.space->guarded) task.space->guarded = co_await installGuardIn(calls);
}

Script Supervisor::clearTrap(Task& task) {
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  Turn turn(task.action->calls);
  co_await turn;
  const bool disarmed = co_await source_.disarm(calls);
  if (!disarmed) {
    if (!calls.isAlive()) co_return;
    complain("process %d can't be made to see the CPU again; it stays under its mask", task.tid);
    task.intent = Intent::kMasked;
    co_return;
  }
  noteArmed(task, false);
  // As long as others of its process trap, they need the handler.
  if (task.action->armed == 0) co_await giveActionBack(calls);
}

void Supervisor::skipCall(Task& task, int64_t result) {
  if (answerCall(task.tid, result)) proceed(task);
}

void Supervisor::onGuardedCall(Task& task) {
  const auto stop = readSyscall(task.tid);
  if (!stop || stop->op != SyscallStop::kSeccomp) return;
  const SystemCalls& calls = callsOf(stop->arch, stop->number);
  // A filter of the task's own that asks for a tracer, as if there were none.
  if (stop->mark != kGuardMark) return skipCall(task, -ENOSYS);
  if (stop->number == calls.archPrctl && task.intent == Intent::kMasked)
    return onArchPrctl(task, stop->arguments);
  if (stop->number == calls.seccomp) return skipCall(task, -EBUSY);
  if (stop->number == calls.userfaultfd || stop->number == calls.ioctl) task.space->mayBlock = true;
  if (stop->number == calls.clone) {
    Registers registers;
    if (!readRegisters(task.tid, &registers)) return;
    (&calls == &kCalls32 ? registers.rbx : registers.rdi) &= ~uint64_t{CLONE_UNTRACED};
    writeRegisters(task.tid, registers);
  }
  if (source_.watchesCode() && isCodeCall(calls, stop->number)) {
    if (task.intent != Intent::kMasked) return proceed(task);
    return begin(task, source_.makeCodeCall(task, *stop));
  }
  const bool isAction = stop->number == calls.sigaction ||
                        (calls.oldSignal != 0 &&
                         (stop->number == calls.oldSigaction || stop->number == calls.oldSignal));
  if (isAction && task.action->isHandled) return begin(task, makeActionCall(task));
  // An exec is stopped so that a child without a tracer can't make one.
  proceed(task);
}

void Supervisor::onArchPrctl(Task& task, const uint64_t (&arguments)[6]) {
  constexpr uint32_t kSupported = 0x1021, kPermitted = 0x1022, kRequest = 0x1023,
                     kGuestPermitted = 0x1024;
  switch (static_cast<uint32_t>(arguments[0])) {
    case kArchGetCpuid:
      return skipCall(task, 1);
    case kArchSetCpuid:
      // As on a CPU without faulting: the one answer that a task which sees CPUID work can believe.
      return skipCall(task, -ENODEV);
    case kRequest:
      if (arguments[1] < 64 && (mask_.header.xcompPermitted >> arguments[1] & 1) != 0) {
        task.space->granted |= uint64_t{1} << arguments[1];
        proceed(task);
        return;
      }
      return skipCall(task, -EOPNOTSUPP);
    case kSupported:
    case kPermitted:
    case kGuestPermitted: {
      // The whole host's: the supervisor asks for itself, and shows what the mask has of it.
      uint64_t shown = 0;
      if (syscall(SYS_arch_prctl, arguments[0], &shown) != 0) return skipCall(task, -errno);
      if (arguments[0] == kPermitted) shown |= task.space->granted;
      shown &= mask_.header.xcr0 | mask_.header.xcompPermitted;
      return begin(task, tellXcomp(task, arguments[1], shown));
    }
    default:
      return skipCall(task, -EOPNOTSUPP);
  }
}

Script Supervisor::tellXcomp(Task& task, uint64_t address, uint64_t shown) {
  const bool wrote = co_await writeTask(task, address, &shown, sizeof shown);
  answerCall(task.tid, wrote ? 0 : -EFAULT);
}

}  // namespace cpugate
