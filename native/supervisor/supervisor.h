/**
 * The supervisor: holds tasks by ptrace, answers their CPUID, and is not noticed.
 *
 * Its one thread owns all tasks. Whatever they do comes to it as a wait status; what becomes of the
 * thread is looked up in a table (states.h), and done:
 *
 *   fork, clone    the child comes traced and armed by the kernel; it inherits what is known of its
 *                  parent
 *   exec           the kernel has cleared the trap: it is set again, and the auxiliary vector
 *                  rewritten, before the first instruction of ld.so
 *   SIGSEGV        at a CPUID, from the kernel: registers are written, the signal is forgotten, and
 *                  what forcing it has destroyed is repaired (segv_action.h); any other is the
 *                  task's own
 *   other signal   goes its way; where the process ignores it, what it interrupted is restarted
 *   guarded call   see guard.h
 *   group stop     the thread stays stopped until SIGCONT
 *
 * What takes several stops of a thread is a script (script.h): nobody is waited for.
 *
 * The supervisor's own CPUID traps, too: where it doesn't, the kernel writes to a register of the
 * CPU at each switch between it and a task, which costs a virtual machine as much as the stop
 * itself.
 *
 * If the supervisor dies, the kernel kills its tasks (PTRACE_O_EXITKILL): none runs on unmasked,
 * none lingers with a trap that nobody answers. A task that can't be armed is killed for the same
 * reason.
 */
#ifndef CPUGATE_SUPERVISOR_SUPERVISOR_H_
#define CPUGATE_SUPERVISOR_SUPERVISOR_H_

#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "answer.h"
#include "mask.h"
#include "tasks.h"
#include "trap_source.h"
#include "wait_status.h"

namespace cpugate {

/** What is known of a process that runs when it is seized. */
struct Origin {
  /** It has a guard already. */
  bool guarded = false;
  /** It entered a cgroup of tasks later, or comes of one that did. */
  bool cameLater = false;
};

class Supervisor {
 public:
  Supervisor(const Mask& mask, const TrapSource& source);

  /** A child that was seized, and is about to execute its first program behind a guard. */
  void addLaunched(pid_t tid);
  /** A thread that was seized while it ran; `like`: another one of its process. */
  void addRunning(pid_t tid, const Task* like, Origin origin);

  bool holds(pid_t tid) const { return tasks_.contains(tid); }
  size_t threads() const { return tasks_.size(); }
  /** Of all processes whose threads are held. */
  std::vector<pid_t> processes() const;
  /** Whether all threads of a process that are held trap. */
  bool isMasked(pid_t process) const;
  /** Whether any that is held entered later, or comes of one that did. */
  bool holdsLater() const;
  /** Whether a thread that has ended in the last ten seconds had the number. */
  bool heldLately(pid_t tid) const;
  /** Reading only. */
  const Tasks& tasks() const { return tasks_; }

  /** Called between two waits. */
  void betweenWaits(std::function<void()> handler) { betweenWaits_ = std::move(handler); }

  /** Until the last task has ended, or `isDone` says so. Gives the end of `root`, where seen. */
  std::optional<WaitStatus> run(pid_t root, const std::function<bool()>& isDone);

  /** Deals with whatever happens until `isDone`, or for so long: then false. */
  bool runUntil(const std::function<bool()>& isDone, int64_t milliseconds);

  /** Asks a thread to stop, for which it gets the trap that it shall have; false: it is gone. */
  bool interrupt(pid_t tid);
  /** What shall become of a thread and its children; nothing happens before its next stop. */
  void want(pid_t tid, Intent intent);
  /** The same for all, and for children that nobody has told of. */
  void wantAll(Intent intent);
  /** What a thread is to be has come true. */
  bool isSettled(pid_t tid) const;
  bool areAllSettled() const;

  /** Whether threads that enter a group stop are held in it. */
  void gather(bool gathering);
  /** All threads are held in group stops. */
  bool areAllHeld() const;
  /** Held threads listen for SIGCONT again. */
  void listenAgain();
  /**
   * Lets go of a process whose threads are all held, with its trap, but with the SIGSEGV action
   * that it believes to have: whoever wakes it sees a trap that nobody answers, never the CPU.
   * False: some thread didn't come to it.
   */
  bool letGoTrapping();

  uint64_t answered() const { return answered_; }
  /** Stretches of tasks' code that may have a CPUID which doesn't trap (code_patches.h). */
  uint64_t leftUnproven() const;
  /** Processes that were killed because they couldn't be armed. */
  uint64_t killed() const { return killed_; }

 private:
  void dispatch(pid_t tid, WaitStatus status);
  void onEnd(pid_t tid, WaitStatus status);
  void perform(Task& task, Step step, WaitStatus status);
  Facts factsOf(const Task& task, Event event) const;
  void settle(Task& task, Event event);
  void onSignal(Task& task, int signal);
  void onSegv(Task& task);
  void answerTrap(Task& task, const Registers& registers, size_t length, const siginfo_t& info);
  bool wasBlocked(const Task& task, uint64_t mask) const;
  void deliverOwnSegv(Task& task, const siginfo_t& info);
  /** `waits`: the parent does, unstoppable, until the child executes a program or ends. */
  void onChild(Task& parent, bool waits);
  void onGuardedCall(Task& task);
  void onArchPrctl(Task& task, const uint64_t (&arguments)[6]);
  void watchEnd(Task& task);
  void begin(Task& task, Script script);
  Script whole(Task& task, Script script);
  Script startProgram(Task& task);
  Script setTrap(Task& task);
  Script clearTrap(Task& task);
  Script repair(Task& task, bool blocked, std::optional<siginfo_t> again);
  Co<void> repairIn(RemoteCalls& calls, bool blocked, std::optional<siginfo_t> again);
  Script lookAtSegv(Task& task, siginfo_t info);
  Script lookAtFetch(Task& task, siginfo_t info);
  Co<void> giveExecution(Task& task, siginfo_t info, std::optional<Held>& held);
  Co<bool> stepOut(Task& task, Range range);
  bool answerBetweenSteps(Task& task, WaitStatus stop);
  Co<void> redeliver(RemoteCalls& calls, siginfo_t info);
  Script makeDefault(Task& task, siginfo_t info);
  Script tellXcomp(Task& task, uint64_t address, uint64_t shown);
  Script giveBack(Task& task);
  Co<bool> arm(RemoteCalls& calls);
  void finishScripts();
  void skipCall(Task& task, int64_t result);
  void kill(const Task& task);
  void proceed(Task& task, int signal = 0);
  pid_t next(int* status, bool mayWait);
  pid_t nextInRound(int* status);
  void startOrphans();
  void takeForOrphan(Task& task) const;
  void inheritCode(Task& task);
  void endStuckCalls();
  void forget(pid_t tid);
  void letGo(pid_t tid);

  const Mask& mask_;
  const TrapSource& source_;
  Answers answers_;
  Tasks tasks_;
  /** Children that ended before their parents told of them, and when (monotonic milliseconds). */
  std::unordered_map<pid_t, int64_t> endedEarly_;
  /** Threads that have ended lately, and when (monotonic milliseconds); of few it is known. */
  std::deque<std::pair<pid_t, int64_t>> ended_;
  /** Children that stand still until their parents tell of them. */
  std::unordered_set<pid_t> waiting_;
  /** Threads whose scripts have come to their end. */
  std::vector<pid_t> finished_;
  /** Threads whose turn is still to come, in this round. */
  std::vector<pid_t> round_;
  unsigned turn_ = 0;
  std::function<void()> betweenWaits_;
  pid_t root_ = 0;
  std::optional<WaitStatus> rootEnd_;
  uint64_t answered_ = 0;
  uint64_t killed_ = 0;
  bool gathering_ = false;
  /** At calls that tasks come to (monotonic milliseconds). */
  int64_t lastLook_ = 0;
  /** Of children that nobody tells of. */
  Intent intentOfOrphans_ = Intent::kMasked;
  bool mayOrphansBeLater_ = false;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SUPERVISOR_H_
