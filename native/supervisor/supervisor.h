/**
 * The supervisor: holds tasks by ptrace, answers their CPUID, and is not noticed.
 *
 * Its one thread owns all tasks; whatever they do comes to it as a wait status, is dealt with at once,
 * and lets the thread go on:
 *
 *   fork, clone   the child comes traced and armed by the kernel; it inherits what is known of its parent
 *   exec          the kernel has cleared the trap: it is set again, and the auxiliary vector rewritten,
 *                 before the first instruction of ld.so
 *   SIGSEGV       at a CPUID, from the kernel: registers are written, the signal is forgotten, and what
 *                 forcing it has destroyed is repaired; any other is the task's own
 *   guarded call  see guard.h
 *   group stop    the thread stays stopped until SIGCONT
 *
 * If the supervisor dies, the kernel kills its tasks (PTRACE_O_EXITKILL): none runs on unmasked, none
 * lingers with a trap that nobody answers. A task that can't be armed is killed for the same reason.
 */
#ifndef CPUGATE_SUPERVISOR_SUPERVISOR_H_
#define CPUGATE_SUPERVISOR_SUPERVISOR_H_


#include <functional>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "answer.h"
#include "mask.h"
#include "tasks.h"
#include "trap_source.h"
#include "wait_status.h"

namespace cpugate {

class Supervisor {
 public:
  Supervisor(const Mask& mask, const TrapSource& source);

  /** A thread that was seized; `armed`: its CPUID traps already, or it is about to execute a program. */
  void add(pid_t tid, bool armed) { tasks_[tid].armed = armed; }
  Tasks& tasks() { return tasks_; }
  const Tasks& tasks() const { return tasks_; }

  /** Called between two waits. */
  void betweenWaits(std::function<void()> handler) { betweenWaits_ = std::move(handler); }

  /** Until the last task has ended, or `isDone` says so. Gives the end of `root`, where it was seen. */
  std::optional<WaitStatus> run(pid_t root, const std::function<bool()>& isDone);

  /** Deals with whatever happens until `isDone`, or for so long: then false. */
  bool runUntil(const std::function<bool()>& isDone, int64_t milliseconds);

  /** Asks a thread to stop, for which it gets the trap that it shall have; false where it is gone. */
  bool interrupt(pid_t tid);
  /** What shall become of a thread and its children; nothing happens before its next stop. */
  void want(pid_t tid, Wanted wanted) { tasks_[tid].wanted = wanted; }
  /** The same for all, and for children that nobody has told of. */
  void wantAll(Wanted wanted);
  /** A thread in a stop doesn't trap any more; false where it is gone, or can't be asked. */
  bool disarm(pid_t tid);
  /** Whether threads that enter a group stop are held in it. */
  void trapInGroupStop(bool held) { trapInGroupStop_ = held; }

  uint64_t answered() const { return answered_; }
  /** Processes that were killed because they couldn't be armed. */
  uint64_t killed() const { return killed_; }

 private:
  void onEnd(pid_t tid, WaitStatus status);
  void onSignal(pid_t tid, Task& task, int signal);
  bool onTrap(pid_t tid, Task& task, const siginfo_t& stopped);
  std::optional<size_t> cpuidOfUndumpable(pid_t tid, Task& task, const Registers& registers);
  void onEvent(pid_t tid, int event);
  void onChild(pid_t parent, int event);
  void watchEnd(pid_t tid);
  void onExec(pid_t tid);
  void onGuardedCall(pid_t tid, Task& task);
  void onClone3(pid_t tid, Task& task, bool is32);
  void finishClone(pid_t tid, Task& task);
  void onArchPrctl(pid_t tid, const uint64_t (&arguments)[6]);
  void skipCall(pid_t tid, int64_t result);
  void kill(pid_t tid);
  void dispatch(pid_t tid, WaitStatus status);
  bool proceed(pid_t tid, Resume how, int signal = 0);
  pid_t next(int* status, bool mayWait);
  pid_t nextInRound(int* status);
  void startOrphans();
  bool arm(pid_t tid, bool learn);
  bool makeAsWanted(pid_t tid);
  void goOn(pid_t tid);

  const Mask& mask_;
  const TrapSource& source_;
  Answers answers_;
  Tasks tasks_;
  std::unordered_set<pid_t> endedEarly_;
  /** Children that stand still until their parents tell of them, and since when (monotonic milliseconds). */
  std::unordered_map<pid_t, int64_t> waiting_;
  /** Threads whose turn is still to come, in this round. */
  std::vector<pid_t> round_;
  unsigned turn_ = 0;
  std::function<void()> betweenWaits_;
  pid_t root_ = 0;
  std::optional<WaitStatus> rootEnd_;
  uint64_t answered_ = 0;
  uint64_t killed_ = 0;
  bool trapInGroupStop_ = false;
  /** Of children that nobody tells of. */
  Wanted wantedOfOrphans_ = Wanted::kMasked;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SUPERVISOR_H_
