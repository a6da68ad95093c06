/** One supervisor from start to end: what the modes run, attach and adopt have in common. */
#ifndef CPUGATE_SUPERVISOR_SESSION_H_
#define CPUGATE_SUPERVISOR_SESSION_H_

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "control.h"
#include "holding.h"
#include "options.h"
#include "signals.h"
#include "supervisor.h"

namespace cpugate {

class Session {
 public:
  Session(const Options& options, const Mask& mask, const TrapSource& source);

  /** Opens the socket; false: `error` says why. */
  bool listen(std::string* error) { return control_.listen(folder(), error); }
  /** From here on requests and signals are followed in this thread, which holds the tasks. */
  bool start(std::string* error);
  Supervisor& supervisor() { return supervisor_; }
  Holding& holding() { return holding_; }
  /** Where its socket is. */
  std::string folder() const;
  /**
   * The process whose end is told; signals to this process are passed on to it,
   * unless tasks were attached.
   */
  void setRoot(ProcessHandle root);
  /** Until the last task has ended or was let go. */
  std::optional<WaitStatus> run();
  /**
   * Lets the tasks go; of those that were started here, behind a guard that needs its tracer,
   * the mask only.
   */
  bool detach(std::string* error);

 private:
  std::string answer(const Request& request);
  std::string release(const Request& request);
  std::string status() const;
  bool holds(pid_t pid) const;
  bool isReleased(pid_t pid) const;
  bool isDone();
  void onKnock();
  void passSignals();
  void followDismissal();
  void takeBackWhenDue();
  bool takeBack(std::string* error);
  std::optional<std::string> whyNotSentByOutsider(const Dismissal& dismissal) const;
  void takeNewcomers();
  void updateTick();

  const Options& options_;
  const TrapSource& source_;
  Supervisor supervisor_;
  Holding holding_;
  Control control_;
  pid_t root_ = 0;
  /** While tasks are released: until it ends, and by which request. */
  ProcessHandle until_;
  uint64_t releasedBy_ = 0;
  /** Released tasks are wanted back; it is tried again from then on. */
  std::optional<std::chrono::steady_clock::time_point> takeBackAt_;
  bool saidWhyNotBack_ = false;
  /** crc32 and size of the mask's file: whoever asks can tell that another one isn't the same. */
  const std::string maskMark_;
  /** Processes of a cgroup that can't be taken hold of. */
  std::set<pid_t> refused_;
  /** The mask is gone for good. */
  bool detached_ = false;
  bool cgroupsGone_ = false;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SESSION_H_
