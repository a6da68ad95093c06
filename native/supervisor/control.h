/**
 * How a running supervisor is asked for something: a socket in a folder that only its user may enter.
 *
 * ptrace knows only the thread that seized, and that thread sits in wait. So a second thread listens; it
 * hands over one request at a time and interrupts the wait, again and again until the request is taken:
 * a signal that comes just before the wait begins would be lost.
 */
#ifndef CPUGATE_SUPERVISOR_CONTROL_H_
#define CPUGATE_SUPERVISOR_CONTROL_H_

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "scoped_fd.h"

namespace cpugate {

struct Request {
  /** status, detach, release, resume. */
  std::string what;
  /** The process that it is about. */
  pid_t pid = 0;
  /** release: until this process ends; 0: until asked to resume. */
  pid_t until = 0;
  /** Who asks. */
  pid_t asker = 0;
};

/** /run/cpugate for root, else cpugate below XDG_RUNTIME_DIR, else a folder of the user's in /tmp. */
std::string defaultRuntimeDir();

class Control {
 public:
  Control() = default;
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /** Listens; the calling thread is the one that will be interrupted. False: `error` says why. */
  bool listen(const std::string& folder, std::string* error);
  /** Interrupts the wait every so many milliseconds as well; 0: only for requests. */
  void tickEvery(int milliseconds) { tick_ = milliseconds; }
  /** Whether the waiting thread was interrupted since it last asked. */
  bool wasKnocked();
  /** On the waiting thread, when it was interrupted: answers what is asked. */
  void serve(const std::function<std::string(const Request&)>& answer);

 private:
  static void* threadMain(void* self);
  void loop();
  void converse(int connection);

  std::string path_;
  ScopedFd socket_;
  pid_t waiter_ = 0;
  pthread_t thread_{};
  bool started_ = false;
  std::atomic<int> tick_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;
  /** From a request to the end of its reply. */
  bool conversing_ = false;
  Request request_;
  std::string reply_;
};

/** The client: asks whichever supervisor holds the process. Gives an exit status. */
int askSupervisor(const std::string& folder, const Request& request);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_CONTROL_H_
