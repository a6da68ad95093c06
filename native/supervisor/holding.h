/**
 * Taking hold of tasks that run already, and letting them go.
 *
 * To take hold: every thread of every process is seized and asked to stop, until a look at /proc
 * finds no more; each is armed at its first stop. What children come meanwhile comes traced.
 * Letting go is the same, the other way round. A thread that can't stop (its child holds it in
 * vfork; a device does) runs no instruction of its own either: nobody waits for it for ever, its
 * stop will come.
 *
 * To release, for CRIU: the processes are stopped by SIGSTOP and let go of, so that they stay
 * stopped without a tracer; which of them were stopped before is kept, and they stay so when the
 * others go on. Their CPUID traps all the while: one that somebody wakes ends at it, or finds it in
 * its own handler, but never sees the CPU. The kernel has the action for SIGSEGV that they believe
 * to have, which is dumped.
 */
#ifndef CPUGATE_SUPERVISOR_HOLDING_H_
#define CPUGATE_SUPERVISOR_HOLDING_H_

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

#include "process_handle.h"
#include "supervisor.h"

namespace cpugate {

/** A process that was let go of for a while. */
struct Released {
  pid_t pid;
  bool wasStopped;
  /** It entered a cgroup of tasks later, or comes of one that did. */
  bool cameLater;
  /** A later process with its number is another. */
  ProcessHandle handle;
};

/** kLater: what has run without the mask enters a cgroup whose tasks are under it. */
enum class Arrival { kFirst, kLater };

class Holding {
 public:
  explicit Holding(Supervisor& supervisor) : supervisor_(supervisor) {}

  /**
   * Takes hold of processes, with all their descendants if `trees`. Those in `keepStopped` stay in
   * their group stop; with `wake`, all others that are stopped go on. False: `error` says why, and
   * what was seized has been killed if it can't go on unmasked.
   */
  bool take(std::vector<pid_t> pids, bool trees, bool wake, const std::set<pid_t>& keepStopped,
            std::string* error, Arrival arrival = Arrival::kFirst);

  /** Disarms all, and lets go for good. */
  void detach() { endMask(Intent::kGone); }
  /** Disarms all, and holds them on: behind a guard, they need their tracer. */
  void disarm() { endMask(Intent::kBare); }

  /** Stops and lets go for a while; nothing has changed where it fails. */
  bool release(std::string* error);
  bool takeBack(std::string* error);
  const std::vector<Released>& released() const { return released_; }
  /** Whether any that is held or released entered later, or comes of one that did. */
  bool hasLater() const;
  /** Forgets those that have ended meanwhile. */
  void dropEnded();
  /**
   * Released processes that somebody has woken stop again:
   * they could execute a program without a trap.
   */
  void stopWoken();

 private:
  bool seizeProcess(pid_t pid, Arrival arrival, bool* found, std::string* error);
  void wake(const std::vector<pid_t>& pids, const std::set<pid_t>& keepStopped,
            const std::vector<pid_t>& threads);
  bool stopAll(std::vector<Released>* processes);
  void endMask(Intent intent);
  void letGo(pid_t pid);

  Supervisor& supervisor_;
  std::vector<Released> released_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_HOLDING_H_
