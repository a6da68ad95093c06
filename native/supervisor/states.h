/**
 * What becomes of a thread at each of its stops. Pure: a state and an event give an action and the
 * next state; whoever holds the thread does the action (supervisor.cc).
 *
 * A thread has an intent, which is what shall become of it:
 *
 *   masked  its CPUID traps
 *   bare    it sees the CPU, and keeps its tracer, which its guard needs
 *   gone    it is let go
 *
 * and a state, which is where it is:
 *
 *   awaiting parent   a child in its first stop, whose parent hasn't told of it: nothing is known
 *   running           on its own way, until its next stop
 *   in script         stops belong to what is done in its name (script.h)
 *   listening         in a group stop of its process (job control), and to hear SIGCONT
 *   held              in a group stop, and held there until it is released
 *
 *   event \ state   awaiting parent  running               in script      listening       held
 *   first stop      stay             –                     –              –               –
 *   parent tells    settle           (known, no change)    –              –               –
 *   parent is gone  settle           –                     –              –               –
 *   own stop        stay             settle                to script      settle          stay
 *   group stop      stay             listen, hold, settle  to script      listen or hold  stay
 *   signal          –                deliver               to script      deliver         –
 *   exec            start program    start program         start program  start program   –
 *   guarded call    –                answer call           to script      –               –
 *   child           –                introduce, go on      to script      –               –
 *   exit            go on            go on                 go on          go on           go on
 *   end             forget           forget                forget         forget          forget
 *
 * "settle": the trap is made what the intent says: set, cleared, or cleared and the thread let go;
 * then it goes on. A SIGSEGV of a CPUID that the thread has executed already but that hasn't come
 * yet is answered first: in any other order nobody would answer it. In a group stop a thread that
 * is as it shall be listens, or is held where the supervisor gathers threads for a release.
 */
#ifndef CPUGATE_SUPERVISOR_STATES_H_
#define CPUGATE_SUPERVISOR_STATES_H_

namespace cpugate {

enum class Intent { kMasked, kBare, kGone };

enum class State { kAwaitingParent, kRunning, kInScript, kListening, kHeld };

enum class Event {
  kFirstStop,
  kParentTells,
  kParentIsGone,
  kOwnStop,
  kGroupStop,
  kSignal,
  kExec,
  kGuardedCall,
  kChild,
  /** Nobody asked for it. */
  kSyscall,
  kExit,
  kEnd,
};

enum class Action {
  /** It stays where it is. */
  kStay,
  kGoOn,
  /** It goes on with the SIGSEGV that it has coming, and comes back for the rest. */
  kAnswerFirst,
  kSetTrap,
  kClearTrap,
  kLetGo,
  kListen,
  kHold,
  kToScript,
  kDeliver,
  kStartProgram,
  kAnswerCall,
  kIntroduceChild,
  kForget,
};

/** What the table's choices depend on. */
struct Facts {
  Intent intent = Intent::kMasked;
  /** Its CPUID traps. */
  bool armed = false;
  /** A SIGSEGV of a CPUID is on its way to it. */
  bool trapComing = false;
  /** Threads in group stops are gathered for a release. */
  bool gathering = false;
  /** Its process is in a group stop. */
  bool inGroupStop = false;
};

struct Step {
  Action action;
  State state;
  bool operator==(const Step&) const = default;
};

/** Whether the trap is what the intent says. */
constexpr bool isSettled(const Facts& facts) {
  return facts.intent != Intent::kGone && facts.armed == (facts.intent == Intent::kMasked);
}

/**
 * Where the table has no entry, nothing is expected: a thread that stands still stays, any other
 * goes on.
 */
Step next(State state, Event event, const Facts& facts);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_STATES_H_
