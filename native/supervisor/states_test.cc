// The table of what becomes of a thread, and other choices that need no thread. Built and run by
// test/native/supervisor.test.ts.
#include "states.h"

#include <signal.h>
#include <sys/syscall.h>

#include <string>
#include <vector>

#include "../probe/expect.h"
#include "cpuid_trap.h"
#include "interrupted_call.h"
#include "script.h"
#include "segv_action.h"
#include "stat_file.h"

namespace cpugate {
namespace {

constexpr Facts kMasked{.intent = Intent::kMasked, .armed = true};
constexpr Facts kUnarmed{.intent = Intent::kMasked, .armed = false};
constexpr Facts kBare{.intent = Intent::kBare, .armed = false};
constexpr Facts kToBeBare{.intent = Intent::kBare, .armed = true};
constexpr Facts kToGo{.intent = Intent::kGone, .armed = true};
constexpr Facts kFree{.intent = Intent::kGone, .armed = false};

constexpr Facts with(Facts facts, bool trapComing, bool gathering, bool inGroupStop) {
  facts.trapComing = trapComing;
  facts.gathering = gathering;
  facts.inGroupStop = inGroupStop;
  return facts;
}

struct Row {
  const char* what;
  State state;
  Event event;
  Facts facts;
  Step step;
};

using S = State;
using E = Event;
using A = Action;

const Row kRows[] = {
    {"a child comes first",
     S::kAwaitingParent,
     E::kFirstStop,
     kUnarmed,
     {A::kStay, S::kAwaitingParent}},
    {"it is asked to stop",
     S::kAwaitingParent,
     E::kOwnStop,
     kUnarmed,
     {A::kStay, S::kAwaitingParent}},
    {"its parent tells, it traps already",
     S::kAwaitingParent,
     E::kParentTells,
     kMasked,
     {A::kGoOn, S::kRunning}},
    {"its parent tells, all shall go",
     S::kAwaitingParent,
     E::kParentTells,
     kToGo,
     {A::kClearTrap, S::kInScript}},
    {"nobody will tell",
     S::kAwaitingParent,
     E::kParentIsGone,
     kUnarmed,
     {A::kSetTrap, S::kInScript}},
    {"told of late", S::kRunning, E::kParentTells, kMasked, {A::kStay, S::kRunning}},
    {"asked to stop for nothing", S::kRunning, E::kOwnStop, kMasked, {A::kGoOn, S::kRunning}},
    {"to be masked", S::kRunning, E::kOwnStop, kUnarmed, {A::kSetTrap, S::kInScript}},
    {"to be bare", S::kRunning, E::kOwnStop, kToBeBare, {A::kClearTrap, S::kInScript}},
    {"bare already", S::kRunning, E::kOwnStop, kBare, {A::kGoOn, S::kRunning}},
    {"to go, with a trap", S::kRunning, E::kOwnStop, kToGo, {A::kClearTrap, S::kInScript}},
    {"to go, without", S::kRunning, E::kOwnStop, kFree, {A::kLetGo, S::kRunning}},
    {"a CPUID is to be answered first",
     S::kRunning,
     E::kOwnStop,
     with(kToGo, true, false, false),
     {A::kAnswerFirst, S::kRunning}},
    {"a masked thread's CPUID can wait",
     S::kRunning,
     E::kOwnStop,
     with(kMasked, true, false, false),
     {A::kGoOn, S::kRunning}},
    {"but not in a group stop",
     S::kRunning,
     E::kOwnStop,
     with(kMasked, true, false, true),
     {A::kAnswerFirst, S::kRunning}},
    {"a group stop",
     S::kRunning,
     E::kGroupStop,
     with(kMasked, false, false, true),
     {A::kListen, S::kListening}},
    {"a group stop while gathering",
     S::kRunning,
     E::kGroupStop,
     with(kMasked, false, true, true),
     {A::kHold, S::kHeld}},
    {"a group stop while gathering, with a CPUID to be answered",
     S::kRunning,
     E::kGroupStop,
     with(kMasked, true, true, true),
     {A::kAnswerFirst, S::kRunning}},
    {"a group stop of a thread that isn't as it shall be",
     S::kRunning,
     E::kGroupStop,
     with(kUnarmed, false, false, true),
     {A::kSetTrap, S::kInScript}},
    {"a listener stops again",
     S::kListening,
     E::kGroupStop,
     with(kMasked, false, true, true),
     {A::kHold, S::kHeld}},
    {"SIGCONT reaches a listener", S::kListening, E::kOwnStop, kMasked, {A::kGoOn, S::kRunning}},
    {"a signal", S::kRunning, E::kSignal, kMasked, {A::kDeliver, S::kRunning}},
    {"a guarded call", S::kRunning, E::kGuardedCall, kMasked, {A::kAnswerCall, S::kRunning}},
    {"a child is made", S::kRunning, E::kChild, kMasked, {A::kIntroduceChild, S::kRunning}},
    {"a call that nobody asked for", S::kRunning, E::kSyscall, kMasked, {A::kGoOn, S::kRunning}},
    {"a program is executed", S::kRunning, E::kExec, kMasked, {A::kStartProgram, S::kInScript}},
    {"by another thread, while something is done",
     S::kInScript,
     E::kExec,
     kMasked,
     {A::kStartProgram, S::kInScript}},
    {"it ends while something is done", S::kInScript, E::kExit, kMasked, {A::kGoOn, S::kInScript}},
    {"held threads stay", S::kHeld, E::kOwnStop, kMasked, {A::kStay, S::kHeld}},
};

void theTableHolds(Expectations& expect) {
  for (const Row& row : kRows)
    expect.that(next(row.state, row.event, row.facts) == row.step, row.what);
}

const State kStates[] = {S::kAwaitingParent, S::kRunning, S::kInScript, S::kListening, S::kHeld};
const Event kEvents[] = {E::kFirstStop, E::kParentTells, E::kParentIsGone, E::kOwnStop,
                         E::kGroupStop, E::kSignal,      E::kExec,         E::kGuardedCall,
                         E::kChild,     E::kSyscall,     E::kExit,         E::kEnd};
const Facts kFacts[] = {kMasked, kUnarmed, kBare, kToBeBare, kToGo, kFree};

void lawsHoldForAll(Expectations& expect) {
  for (const State state : kStates)
    for (const Event event : kEvents)
      for (const Facts& base : kFacts)
        for (int bits = 0; bits < 8; ++bits) {
          const Facts facts =
              with(base, (bits & 1) != 0 && base.armed, (bits & 2) != 0, (bits & 4) != 0);
          const Step step = next(state, event, facts);
          const bool begins = step.action == A::kSetTrap || step.action == A::kClearTrap ||
                              step.action == A::kStartProgram;
          if (event == E::kEnd) {
            expect.that(step.action == A::kForget, "an end is an end");
          } else if (event == E::kExec) {
            expect.that(step.action == A::kStartProgram, "no program starts unseen");
          } else if (state == S::kInScript && event != E::kExit && event != E::kFirstStop &&
                     event != E::kParentTells && event != E::kParentIsGone) {
            expect.that(step.action == A::kToScript, "a script gets its thread's stops");
          }
          expect.that(!begins || step.state == S::kInScript,
                      "what takes several stops is a script");
          expect.that(step.action != A::kLetGo || (facts.intent == Intent::kGone && !facts.armed),
                      "only what shall go, and doesn't trap, is let go");
          expect.that(step.action != A::kClearTrap || facts.intent != Intent::kMasked,
                      "no mask is taken off unasked");
          expect.that(step.action != A::kClearTrap || !facts.trapComing,
                      "no CPUID is left without an answer");
          expect.that(step.action != A::kHold || isSettled(facts),
                      "what is held is as it shall be");
          expect.that(step.action != A::kListen || isSettled(facts),
                      "what listens is as it shall be");
        }
}

siginfo_t sent(int code) {
  siginfo_t info{};
  info.si_signo = SIGSEGV;
  info.si_code = code;
  return info;
}

void ownFaultsAreAsTheKernelHasThem(Expectations& expect) {
  const struct {
    const char* what;
    uint64_t handler;
    bool hasHandler;
    int code;
    OwnSegv shall;
  } cases[] = {
      {"a handler, a fault", 0x1000, true, SEGV_MAPERR, OwnSegv::kDeliver},
      {"a handler, sent", 0x1000, true, SI_USER, OwnSegv::kDeliver},
      {"the default, a fault", 0, true, SEGV_MAPERR, OwnSegv::kDefault},
      {"the default, sent", 0, true, SI_TKILL, OwnSegv::kDefault},
      {"ignored, a fault: can't be", 1, true, SEGV_MAPERR, OwnSegv::kDefault},
      {"ignored, from the kernel", 1, true, SI_KERNEL, OwnSegv::kDefault},
      {"ignored, sent", 1, true, SI_USER, OwnSegv::kDrop},
      {"blocked, a fault: the kernel has reset the handler", 0x1000, false, SEGV_MAPERR,
       OwnSegv::kDeliver},
  };
  for (const auto& test : cases) {
    SegvAction action;
    action.own.handler = test.handler;
    action.isHandled = true;
    expect.that(judgeOwnSegv(action, test.hasHandler, sent(test.code)) == test.shall, test.what);
  }
  SegvAction once;
  once.own = {.handler = 0x1000, .flags = SA_RESETHAND};
  noteDelivered(once);
  expect.that(once.own.handler == 0, "for one time only");
  SegvAction always;
  always.own = {.handler = 0x1000, .flags = 0};
  noteDelivered(always);
  expect.that(always.own.handler == 0x1000, "for ever");
}

std::string statWith(const std::string& name, const std::string& caught) {
  std::string text = "4242 (" + name + ") S";
  for (int field = 4; field <= 52; ++field) text += ' ' + (field == 34 ? caught : std::string("7"));
  return text + '\n';
}

void caughtSignalsAreRead(Expectations& expect) {
  const auto read = [](const std::string& text) { return numberInStat(text, 34); };
  expect.that(read(statWith("bash", "1024")) == 1024, "usual");
  expect.that(read(statWith("bash", "0")) == 0, "none");
  expect.that(read(statWith(") S 1 2", "1024")) == 1024, "a name that imitates fields");
  expect.that(read(statWith("", "1024")) == 1024, "no name");
  expect.that(!read(""), "nothing");
  expect.that(!read("4242 bash S 1"), "no bracket");
  const std::string whole = statWith("bash", "1024");
  const size_t end = whole.find(" 1024 ") + 5;
  for (size_t size = 0; size <= end; ++size) expect.that(!read(whole.substr(0, size)), "cut text");
}

void descriptorsAreRead(Expectations& expect) {
  const auto make = [](uint64_t base, uint64_t access, uint64_t flags) {
    return 0xffff | (base & 0xffffff) << 16 | access << 40 | flags << 52 | (base >> 24) << 56;
  };
  expect.that(baseInDescriptor(make(0x12345678, 0xfb, 0xc)) == 0x12345678, "32-bit code");
  expect.that(baseInDescriptor(make(0xfedc0010, 0xfb, 0)) == 0xfedc0010, "16-bit code");
  expect.that(!baseInDescriptor(make(0, 0xf3, 0xc)), "data");
  expect.that(!baseInDescriptor(make(0, 0x7b, 0xc)), "not present");
  expect.that(!baseInDescriptor(make(0, 0xeb, 0xc)), "a gate");
  expect.that(!baseInDescriptor(0), "none");
}

void callsAreRestartedWhileTimeIsLeft(Expectations& expect) {
  const RestartedCall first{SYS_epoll_wait, 0x1000, 0x2000, 1000, 500};
  const auto again = [&first](int64_t since) {
    RestartedCall now = first;
    now.since = since;
    return now;
  };
  expect.that(isRestartedAgain({}, first), "the first time");
  expect.that(isRestartedAgain(first, again(1400)), "within its time");
  expect.that(!isRestartedAgain(first, again(1500)), "its time is over");
  expect.that(!isRestartedAgain(first, again(2000)), "with all that a restart gave it");
  expect.that(isRestartedAgain(first, again(2001)), "another call");
  RestartedCall elsewhere = again(1500);
  elsewhere.stack = 0x3000;
  expect.that(isRestartedAgain(first, elsewhere), "from elsewhere");
  RestartedCall endless = again(900'000);
  endless.left = -1;
  expect.that(isRestartedAgain(first, endless), "without a limit");
  expect.that(!interruptibleCall(SYS_nanosleep, false) && !interruptibleCall(SYS_connect, false),
              "the kernel's own, or never");
  expect.that(interruptibleCall(SYS_semop, false)->limit == TimeLimit::kNone, "semop");
  expect.that(
      interruptibleCall(256, true)->argument == 3 && !interruptibleCall(SYS_epoll_wait, true),
      "by their own numbers");
  expect.that(interruptibleCall(SYS_epoll_wait, false)->argument == 3 &&
                  interruptibleCall(SYS_epoll_wait, false)->over == 0,
              "epoll_wait's time is its fourth");
}

Co<int> doubled(Awaited<int>& source) {
  const int value = co_await source;
  co_return 2 * value;
}

Script sum(Awaited<int>& source, int* to) {
  const int first = co_await doubled(source);
  const int second = co_await doubled(source);
  *to = first + second;
}

Script inTurn(Turns& turns, Awaited<int>& source, std::vector<int>* order, int name) {
  Turn turn(turns);
  co_await turn;
  order->push_back(name);
  const int value = co_await source;
  order->push_back(name + value);
}

void scriptsWaitForWhatComes(Expectations& expect) {
  Awaited<int> source;
  int total = 0;
  Script script = sum(source, &total);
  expect.that(!source.isAwaited(), "it begins when it is told to");
  script.start();
  source.give(3);
  expect.that(total == 0 && !script.isDone() && source.isAwaited(), "half of it");
  source.give(4);
  expect.that(total == 14 && script.isDone(), "all of it");

  Turns turns;
  Awaited<int> sources[3];
  std::vector<int> order;
  Script first = inTurn(turns, sources[0], &order, 10);
  Script second = inTurn(turns, sources[1], &order, 20);
  Script third = inTurn(turns, sources[2], &order, 30);
  first.start();
  second.start();
  third.start();
  expect.that(order == std::vector<int>{10}, "one at a time");
  second = {};
  sources[0].give(1);
  expect.that(order == std::vector<int>{10, 11, 30}, "in their order, without those that are gone");
  third = {};
  Script fourth = inTurn(turns, sources[0], &order, 40);
  fourth.start();
  expect.that(order.back() == 40, "a turn ends with who has it");
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::theTableHolds(expect);
  cpugate::lawsHoldForAll(expect);
  cpugate::ownFaultsAreAsTheKernelHasThem(expect);
  cpugate::caughtSignalsAreRead(expect);
  cpugate::descriptorsAreRead(expect);
  cpugate::callsAreRestartedWhileTimeIsLeft(expect);
  cpugate::scriptsWaitForWhatComes(expect);
  return expect.conclude();
}
