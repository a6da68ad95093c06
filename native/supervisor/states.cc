#include "states.h"

namespace cpugate {

namespace {

Step settle(const Facts& facts) {
  // Nobody would answer it later.
  const bool changes = facts.intent != Intent::kMasked || facts.inGroupStop;
  if (changes && facts.trapComing) return {Action::kAnswerFirst, State::kRunning};
  if (isSettled(facts)) return {Action::kGoOn, State::kRunning};
  if (facts.intent == Intent::kMasked) return {Action::kSetTrap, State::kInScript};
  if (facts.armed) return {Action::kClearTrap, State::kInScript};
  // Neither armed nor to be kept.
  return {Action::kLetGo, State::kRunning};
}

Step stopWithGroup(const Facts& facts) {
  if (!isSettled(facts) || (facts.gathering && facts.trapComing)) return settle(facts);
  if (facts.gathering) return {Action::kHold, State::kHeld};
  return {Action::kListen, State::kListening};
}

}  // namespace

Step next(State state, Event event, const Facts& facts) {
  switch (event) {
    case Event::kEnd:
      return {Action::kForget, state};
    case Event::kExit:
      // What is being done in its name ends with it.
      return {Action::kGoOn, state};
    case Event::kExec:
      // Whatever was being done in the old program's name is over.
      return {Action::kStartProgram, State::kInScript};
    case Event::kFirstStop:
      return {Action::kStay, State::kAwaitingParent};
    case Event::kParentTells:
    case Event::kParentIsGone:
      if (state == State::kAwaitingParent) return settle(facts);
      return {Action::kStay, state};
    default:
      break;
  }
  if (state == State::kInScript) return {Action::kToScript, state};
  // What stands still for its parent can be asked to stop, too; that changes nothing.
  if (state == State::kAwaitingParent || state == State::kHeld) return {Action::kStay, state};
  switch (event) {
    case Event::kOwnStop:
      return settle(facts);
    case Event::kGroupStop:
      return stopWithGroup(facts);
    case Event::kSignal:
      return {Action::kDeliver, State::kRunning};
    case Event::kGuardedCall:
      return {Action::kAnswerCall, State::kRunning};
    case Event::kChild:
      return {Action::kIntroduceChild, State::kRunning};
    default:
      return {Action::kGoOn, State::kRunning};
  }
}

}  // namespace cpugate
