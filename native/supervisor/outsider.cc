#include "outsider.h"

#include <sys/socket.h>
#include <unistd.h>

#include "processes.h"
#include "task_status.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // Linux 6.5
#endif

namespace cpugate {

namespace {

/** A process with more is nobody who asks for something. */
constexpr size_t kMostThreads = 1024;

std::string named(pid_t pid) { return "process " + std::to_string(pid); }

/** Kernels before 5.9 tell only whether there are any: then nothing is known of how many. */
long filtersOf(const TaskStatus& status) {
  return status.number("Seccomp") == 0 ? 0 : status.number("Seccomp_filters");
}

bool isTracedHere(pid_t pid) {
  const auto threads = threadsOf(pid);
  if (threads.empty() || threads.size() > kMostThreads) return true;
  for (const pid_t tid : threads)
    // One that ends meanwhile tells nothing: -1.
    if (TaskStatus(tid).number("TracerPid") == getpid()) return true;
  return false;
}

/** Whose children's parent is another by the next look. */
constexpr int kMostTries = 16;

struct Line {
  /** The first ancestor that is a task of ours; 0: none. */
  pid_t ours = 0;
  /** No ancestor has ended while they were looked at. */
  bool isWhole = false;
};

Line lineOf(pid_t asker, const std::function<bool(pid_t)>& isOurs) {
  for (pid_t at = asker; at > 1;) {
    const long parent = TaskStatus(at).number("PPid");
    if (parent < 0) return {};
    at = static_cast<pid_t>(parent);
    if (at <= 0) break;
    if (at == getpid() || isOurs(at) || TaskStatus(at).number("TracerPid") == getpid())
      return {.ours = at, .isWhole = true};
  }
  return {.ours = 0, .isWhole = true};
}

}  // namespace

std::optional<std::string> whyNoOutsider(const ProcessHandle& process,
                                         const std::function<bool(pid_t)>& isOurs) {
  // Tasks have numbers in the supervisor's PID namespace, and so has all that comes of them.
  if (process.pid() == 0 && process.isAlive()) return std::nullopt;
  const pid_t asker = process.pid();
  const TaskStatus status(asker);
  const long filters = filtersOf(status);
  if (!process.hasNumber() || status.number("PPid") < 0)
    return "whoever asks has ended, or /proc doesn't show it";
  if (isTracedHere(asker) || isOurs(asker))
    return named(asker) + " is one of the tasks under this mask";
  for (int tries = 0;; ++tries) {
    const Line line = lineOf(asker, isOurs);
    if (line.ours != 0)
      return named(asker) + " comes of " + named(line.ours) + ", which is under this mask";
    if (line.isWhole) break;
    if (!process.isAlive()) return "whoever asks has ended";
    if (tries == kMostTries)
      return "ancestors of " + named(asker) + " end while they are looked at; ask again";
  }
  const long own = filtersOf(TaskStatus(getpid()));
  if (filters < 0 || own < 0 || filters > own)
    return named(asker) +
           " has more seccomp filters than the supervisor, as tasks under a mask have; ask from "
           "outside its sandbox";
  // What was read was its own, not that of a later process with its number.
  if (!process.hasNumber()) return "whoever asks has ended";
  return std::nullopt;
}

ProcessHandle peerOf(int connection, std::string* why) {
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  ProcessHandle peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
    peer = ProcessHandle::fromDescriptor(ScopedFd(pidfd));
  } else {
    ucred credentials{};
    size = sizeof credentials;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 &&
        credentials.pid > 0) {
      const auto before = startOf(credentials.pid);
      peer = ProcessHandle::open(credentials.pid);
      if (!before || before != startOf(credentials.pid)) peer = {};
    }
  }
  if (peer.isAlive()) return peer;
  *why = "whoever asks has ended, or is in another PID namespace";
  return {};
}

}  // namespace cpugate
