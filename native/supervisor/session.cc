#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "complain.h"
#include "printable.h"
#include "processes.h"
#include "task_status.h"

namespace cpugate {

namespace {

/** How long a process that joins a cgroup may run unmasked, and a look at released ones may wait. */
constexpr int kLookMilliseconds = 20;

std::string markOf(const MaskHeader& header) {
  char text[32];
  snprintf(text, sizeof text, "%08x %u", header.crc32, header.fileBytes);
  return text;
}

}  // namespace

Session::Session(const Options& options, const Mask& mask)
    : options_(options), supervisor_(mask, cpuidFaulting()), holding_(supervisor_), maskMark_(markOf(mask.header)) {
  supervisor_.betweenWaits([this] {
    if (control_.wasKnocked()) onKnock();
  });
  cgroupsGone_ = options.cgroups.empty();
}

bool Session::listen(std::string* error) {
  const std::string folder = options_.runtimeDir != nullptr ? options_.runtimeDir : defaultRuntimeDir();
  if (!control_.listen(folder, error)) return false;
  updateTick();
  return true;
}

void Session::updateTick() {
  const bool looks = !cgroupsGone_ || !holding_.released().empty();
  control_.tickEvery(looks ? kLookMilliseconds : 0);
}

bool Session::writePidFile(std::string* error) const {
  if (options_.pidFile == nullptr) return true;
  const std::string path = options_.pidFile;
  const std::string beside = path + "." + std::to_string(getpid());
  const std::string text = std::to_string(getpid()) + "\n";
  const ScopedFd file(open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.isOpen() && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      rename(beside.c_str(), path.c_str()) == 0)
    return true;
  *error = printable(path) + ": " + strerror(errno);
  unlink(beside.c_str());
  return false;
}

std::optional<WaitStatus> Session::run(pid_t root) {
  return supervisor_.run(root, [this] { return isDone(); });
}

bool Session::isDone() {
  if (detached_) return true;
  holding_.dropEnded();
  return cgroupsGone_ && holding_.released().empty();
}

void Session::onKnock() {
  control_.serve([this](const Request& request) { return answer(request); });
  if (until_.isOpen()) {
    pollfd waited{until_.get(), POLLIN, 0};
    if (poll(&waited, 1, 0) > 0) {
      until_.reset();
      std::string error;
      if (!holding_.takeBack(&error)) complain("%s", error.c_str());
    }
  }
  if (!cgroupsGone_) takeNewcomers();
  updateTick();
}

void Session::takeNewcomers() {
  std::vector<pid_t> newcomers;
  bool any = false;
  for (const char* cgroup : options_.cgroups) {
    std::vector<pid_t> pids;
    any |= processesIn(cgroup, &pids);
    for (const pid_t pid : pids) {
      const auto& released = holding_.released();
      const bool isReleased =
          std::any_of(released.begin(), released.end(), [pid](const Released& one) { return one.pid == pid; });
      if (!isReleased && !supervisor_.holds(pid)) newcomers.push_back(pid);
    }
  }
  if (!any) cgroupsGone_ = true;
  for (const pid_t pid : newcomers) {
    std::string error;
    // A child of a task's, which is masked from its start; its parent's stop will tell of it.
    if (TaskStatus(pid).number("TracerPid") == getpid()) continue;
    // One that another program traces is tried again and again; that is said once.
    if (holding_.take({pid}, false, false, {}, &error)) {
      refused_.erase(pid);
      tookNewcomers_ = true;
    }
    else if (refused_.insert(pid).second)
      complain("%s", error.c_str());
  }
}

bool Session::holds(pid_t pid) const {
  const auto& released = holding_.released();
  return supervisor_.holds(pid) ||
         std::any_of(released.begin(), released.end(), [pid](const Released& one) { return one.pid == pid; });
}

std::string Session::answer(const Request& request) {
  if (!holds(request.pid)) return "none";
  // A task that could ask for this would undo its mask.
  if (supervisor_.holds(request.asker)) return "none";
  if (request.what == "status") return status();
  if (request.what == "release") return release(request);
  if (request.what == "detach") return detach();
  if (request.what != "resume") return "no such request: " + request.what;
  std::string error;
  until_.reset();
  return holding_.takeBack(&error) ? "ok\n" : error;
}

std::string Session::release(const Request& request) {
  ScopedFd until;
  if (request.until != 0) {
    until.reset(static_cast<int>(syscall(SYS_pidfd_open, request.until, 0)));
    if (!until.isOpen()) return "there is no process " + std::to_string(request.until);
  }
  std::string error;
  if (!holding_.release(&error)) return error;
  until_ = std::move(until);
  std::string text = "ok\n";
  for (const Released& one : holding_.released())
    text += std::to_string(one.pid) + (one.wasStopped ? " stopped\n" : " running\n");
  return text;
}

std::string Session::detach() {
  detached_ = true;
  cgroupsGone_ = true;
  if (guarded_)
    holding_.disarm();
  else
    holding_.detach();
  return "ok\n";
}

std::string Session::status() const {
  std::string text = "ok\nsupervisor " + std::to_string(getpid()) + "\nanswered " +
                     std::to_string(supervisor_.answered()) + "\nthreads " +
                     std::to_string(supervisor_.threads()) + "\n";
  text += "mask " + maskMark_ + "\n";
  // Whoever has come since had run without the mask, and may have kept what it saw.
  if (options_.fromStart && !tookNewcomers_) text += "from-start\n";
  if (detached_) text += "unmasked\n";
  for (const Released& one : holding_.released())
    text += "released " + std::to_string(one.pid) + (one.wasStopped ? " stopped\n" : " running\n");
  return text;
}

}  // namespace cpugate
