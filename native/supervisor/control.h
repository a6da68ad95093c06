/**
 * How a running supervisor is asked for something: a socket in a folder that only its user may
 * enter.
 *
 * ptrace knows only the thread that seized, and that thread sits in wait. So a second thread
 * listens, keeps the time, and interrupts the wait, again and again until what it has is taken: a
 * signal that comes just before the wait begins would be lost. It waits for all connections at
 * once, so that nobody who is silent or slow delays another; only who is an outsider when it
 * connects is heard (outsider.h).
 *
 * A conversation: the request, with a pidfd of the process that it is about, since numbers are
 * reused and each PID namespace has its own; the reply; a word that the reply was read. Without
 * that, whoever asked has died, and what was done for it can be taken back.
 */
#ifndef CPUGATE_SUPERVISOR_CONTROL_H_
#define CPUGATE_SUPERVISOR_CONTROL_H_

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "process_handle.h"
#include "scoped_fd.h"

namespace cpugate {

struct Request {
  /** status, detach, release, resume. */
  std::string what;
  /** The process that it is about. */
  ProcessHandle process;
  /** release: until this process ends; not open: until asked to resume. */
  ProcessHandle until;
  /** Who asks: an outsider when it connected. */
  ProcessHandle asker;
  /** No other request of this supervisor has it. */
  uint64_t id = 0;
};

/** Of a message between the two. */
inline constexpr size_t kMostRequestBytes = 256;
inline constexpr size_t kMostReplyBytes = 1 << 16;
/** What a reply begins with: it was done. */
inline constexpr const char* kDone = "ok\n";
/** All of a reply: another supervisor may hold the process. */
inline constexpr const char* kNotHeld = "none";
/** The word that a reply was read. */
inline constexpr const char* kHeard = "heard";

class Control {
 public:
  Control() = default;
  /** Lets those who have been answered read it. */
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /** Starts the thread, which will interrupt the calling one. False: `error` says why. */
  bool start(std::string* error);
  /** Before start(): opens the socket. Without one, there are ticks and pokes only. */
  bool listen(const std::string& folder, std::string* error);
  /** Interrupts the wait every so many milliseconds as well; 0: only for requests. */
  void tickEvery(int milliseconds);
  /** Interrupts the wait until serve() is called. For the waiting thread's own signal handlers. */
  void poke();
  /** Whether the waiting thread was interrupted since it last asked. */
  bool wasKnocked();
  /** Asked every second or more often, on the listening thread: whether the other is to be knocked
   * for it. */
  void watch(bool (*isNeeded)()) { isNeeded_ = isNeeded; }
  /**
   * On the waiting thread, when it was interrupted: answers what is asked. `onLost` is told of a
   * request (its id) whose reply nobody has read.
   */
  void serve(const std::function<std::string(const Request&)>& answer,
             const std::function<void(uint64_t)>& onLost);

 private:
  bool (*isNeeded_)() = nullptr;
  using Clock = std::chrono::steady_clock;
  /** In the order in which they give way to new ones; who waits for an answer doesn't. */
  enum class State { kRefused, kSilent, kAnswered, kAsked };
  struct Connection {
    ScopedFd socket;
    ProcessHandle asker;
    State state;
    Clock::time_point deadline;
    uint64_t id;
  };
  struct Reply {
    uint64_t id;
    std::string text;
  };

  static void* threadMain(void* self);
  void loop();
  int patience(Clock::time_point now);
  void waitForAll(std::vector<int>* readable, int milliseconds);
  void acceptAll(Clock::time_point now);
  bool hasRoom() const;
  void makeRoom();
  void greet(ScopedFd socket, Clock::time_point now);
  /** False: the connection is over. */
  bool onReadable(Connection& connection, Clock::time_point now);
  bool readRequest(Connection& connection, Request* request, std::string* error);
  void sendReplies(Clock::time_point now);
  void reply(Connection& connection, const std::string& text, State next, Clock::time_point now);
  void lose(const Connection& connection);
  void knock();
  bool isOver(Clock::time_point now);

  std::string path_;
  ScopedFd socket_;
  /** Written to when there is something new for the thread. */
  ScopedFd wake_;
  pid_t waiter_ = 0;
  pthread_t thread_{};
  bool started_ = false;
  std::atomic<int> tick_{0};
  std::atomic<bool> poked_{false};
  std::atomic<bool> ends_{false};

  // The thread's own.
  std::list<Connection> connections_;
  Clock::time_point nextTick_{};
  Clock::time_point nextAccept_{};
  Clock::time_point lastMoment_{};
  uint64_t requests_ = 0;

  std::mutex mutex_;
  // Of both threads.
  std::deque<Request> asked_;
  std::vector<uint64_t> lost_;
  std::vector<Reply> replies_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_CONTROL_H_
