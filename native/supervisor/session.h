/** One supervisor from its start to its end: what the modes run, attach and adopt have in common. */
#ifndef CPUGATE_SUPERVISOR_SESSION_H_
#define CPUGATE_SUPERVISOR_SESSION_H_

#include <optional>
#include <set>
#include <string>

#include "control.h"
#include "holding.h"
#include "options.h"
#include "supervisor.h"

namespace cpugate {

class Session {
 public:
  Session(const Options& options, const Mask& mask);

  /** False: `error` says why. */
  bool listen(std::string* error);
  /** Tells that tasks are in hand: the file holds this process's number, written whole. */
  bool writePidFile(std::string* error) const;
  Supervisor& supervisor() { return supervisor_; }
  Holding& holding() { return holding_; }
  /** Tasks were started here, behind a guard that needs its tracer: "detach" only disarms. */
  void keepsGuarded() { guarded_ = true; }
  /** Until the last task has ended or was let go. */
  std::optional<WaitStatus> run(pid_t root);

 private:
  std::string answer(const Request& request);
  std::string release(const Request& request);
  std::string detach();
  std::string status() const;
  bool holds(pid_t pid) const;
  bool isDone();
  void onKnock();
  void takeNewcomers();
  void updateTick();

  const Options& options_;
  Supervisor supervisor_;
  Holding holding_;
  Control control_;
  ScopedFd until_;
  /** crc32 and size of the mask's file: whoever asks can tell that another one isn't the same. */
  const std::string maskMark_;
  /** Something has entered a cgroup unmasked, and run. */
  bool tookNewcomers_ = false;
  /** Processes of a cgroup that can't be taken hold of. */
  std::set<pid_t> refused_;
  bool guarded_ = false;
  bool detached_ = false;
  bool cgroupsGone_ = false;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SESSION_H_
