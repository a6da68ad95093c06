#include "session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "complain.h"
#include "outsider.h"
#include "processes.h"
#include "runtime_folder.h"
#include "signals.h"
#include "task_status.h"

namespace cpugate {

namespace {

using std::chrono::steady_clock;

/** How long a process that joins a cgroup may run unmasked, and a look at released ones wait. */
constexpr int kLookMilliseconds = 20;
/** Another tracer may hold released tasks for a while. */
constexpr std::chrono::seconds kTakeBackAgain{1};

const char* nameOf(Mode mode) {
  return mode == Mode::kRun ? "run" : mode == Mode::kAttach ? "attach" : "adopt";
}

std::string markOf(const MaskHeader& header) {
  char text[32];
  snprintf(text, sizeof text, "%08x %u", header.crc32, header.fileBytes);
  return text;
}

}  // namespace

Session::Session(const Options& options, const Mask& mask, const TrapSource& source)
    : options_(options),
      source_(source),
      supervisor_(mask, source),
      holding_(supervisor_),
      maskMark_(markOf(mask.header)) {
  supervisor_.betweenWaits([this] {
    if (control_.wasKnocked()) onKnock();
  });
  cgroupsGone_ = options.cgroups.empty();
  control_.watch(areCallsAwaited);
}

std::string Session::folder() const {
  return options_.runtimeDir != nullptr ? options_.runtimeDir : defaultRuntimeDir();
}

bool Session::start(std::string* error) {
  if (!control_.start(error)) return false;
  updateTick();
  return true;
}

void Session::setRoot(ProcessHandle root) {
  root_ = root.pid();
  if (options_.mode == Mode::kAttach)
    letGoOnSignals(options_.background, control_);
  else
    passSignalsOn(std::move(root), control_);
}

void Session::updateTick() {
  const bool looks = !cgroupsGone_ || !holding_.released().empty();
  control_.tickEvery(looks ? kLookMilliseconds : 0);
}

std::optional<WaitStatus> Session::run() {
  return supervisor_.run(root_, [this] { return isDone(); });
}

bool Session::isDone() {
  holding_.dropEnded();
  return cgroupsGone_ && holding_.released().empty();
}

void Session::onKnock() {
  control_.serve([this](const Request& request) { return answer(request); },
                 [this](uint64_t request) {
                   // Whoever asked has died before it knew: nobody would let the tasks go on.
                   if (request == releasedBy_ && !holding_.released().empty())
                     takeBackAt_ = steady_clock::now();
                 });
  passSignals();
  followDismissal();
  takeBackWhenDue();
  holding_.stopWoken();
  if (!cgroupsGone_) takeNewcomers();
  updateTick();
}

/** The root has ended, others of its tree live on: whoever wants an end means them. */
void Session::passSignals() {
  for (const int signal : signalsForTheRest())
    // This thread is the one that waits for them, so their numbers are still their own.
    for (const pid_t pid : supervisor_.processes()) kill(pid, signal);
}

/**
 * A task that could have itself let go would undo its mask:
 * who sends the signal has to be an outsider.
 */
void Session::followDismissal() {
  const auto dismissal = takeDismissal();
  if (!dismissal) return;
  std::string error;
  if (!dismissal->isForeign) error = whyNotSentByOutsider(*dismissal).value_or("");
  if (error.empty() && detach(&error)) return;
  complain("the tasks weren't let go at signal %d (%s): %s; \"cpugate detach\" lets them go",
           dismissal->signal, strsignal(dismissal->signal), error.c_str());
}

/** One that has ended by now was an outsider if no task has had its number lately. */
std::optional<std::string> Session::whyNotSentByOutsider(const Dismissal& dismissal) const {
  const auto hasEndedOutside = [&] {
    return !dismissal.sender.isAlive() && !holds(dismissal.number) &&
           !supervisor_.heldLately(dismissal.number);
  };
  if (hasEndedOutside()) return std::nullopt;
  const auto why = whyNoOutsider(dismissal.sender, [this](pid_t pid) { return holds(pid); });
  // It ends as a rule while it is looked at.
  return why && hasEndedOutside() ? std::nullopt : why;
}

bool Session::takeBack(std::string* error) {
  if (!holding_.takeBack(error)) return false;
  // What comes back is put under the mask, unless that was gone before.
  if (detached_) holding_.disarm();
  until_ = {};
  releasedBy_ = 0;
  takeBackAt_.reset();
  saidWhyNotBack_ = false;
  return true;
}

void Session::takeBackWhenDue() {
  const auto now = steady_clock::now();
  if (until_.isOpen() && !until_.isAlive()) {
    until_ = {};
    takeBackAt_ = now;
  }
  if (!takeBackAt_ || now < *takeBackAt_) return;
  std::string error;
  if (takeBack(&error)) return;
  takeBackAt_ = now + kTakeBackAgain;
  if (!std::exchange(saidWhyNotBack_, true))
    complain("released tasks can't be taken back yet: %s", error.c_str());
}

void Session::takeNewcomers() {
  std::vector<pid_t> newcomers;
  bool any = false;
  for (const char* cgroup : options_.cgroups) {
    std::vector<pid_t> pids;
    any |= processesIn(cgroup, &pids);
    for (const pid_t pid : pids)
      if (pid != getpid() && !holds(pid)) newcomers.push_back(pid);
  }
  if (!any) cgroupsGone_ = true;
  for (const pid_t pid : newcomers) {
    std::string error;
    // A child of a task's, which is masked from its start; its parent's stop will tell of it.
    if (TaskStatus(pid).number("TracerPid") == getpid()) continue;
    // One that another program traces is tried again and again; that is said once.
    if (holding_.take({pid}, false, false, {}, &error, Arrival::kLater)) {
      refused_.erase(pid);
    } else if (refused_.insert(pid).second) {
      complain("%s", error.c_str());
    }
  }
}

bool Session::isReleased(pid_t pid) const {
  return std::ranges::any_of(holding_.released(),
                             [pid](const Released& one) { return one.pid == pid; });
}

bool Session::holds(pid_t pid) const { return supervisor_.holds(pid) || isReleased(pid); }

std::string Session::answer(const Request& request) {
  // Judged once more, now that nothing comes between the look and the deed.
  if (!request.asker.isAlive()) return "refused: whoever asked has ended";
  if (const auto why = whyNoOutsider(request.asker, [this](pid_t pid) { return holds(pid); }))
    return "refused: " + *why;
  if (!request.process.hasNumber() || !holds(request.process.pid())) return kNotHeld;
  if (request.what == "status") return status();
  if (request.what == "release") return release(request);
  std::string error;
  if (request.what == "detach") return detach(&error) ? kDone : error;
  if (request.what == "resume") return takeBack(&error) ? kDone : error;
  return "no such request: " + request.what;
}

std::string Session::release(const Request& request) {
  std::string error;
  if (request.until.isOpen() && !request.until.isAlive())
    return "the process until whose end the tasks were to be released has ended";
  if (source_.watchesCode())
    return "the tasks are masked by patched code (--trap patch), which a dump would keep; only "
           "tasks "
           "masked by CPUID faulting can be dumped";
  if (!holding_.release(&error)) return error;
  releasedBy_ = request.id;
  if (request.until.isOpen()) until_ = ProcessHandle::duplicate(request.until);
  std::string text = kDone;
  for (const Released& one : holding_.released())
    text += std::to_string(one.pid) + (one.wasStopped ? " stopped\n" : " running\n");
  return text;
}

bool Session::detach(std::string* error) {
  if (source_.watchesCode()) {
    *error =
        "the tasks are masked by patched code (--trap patch), which isn't taken back from running "
        "threads; they keep their mask until they end";
    return false;
  }
  // Those that are released would stay stopped.
  if (!holding_.released().empty() && !takeBack(error)) return false;
  detached_ = true;
  cgroupsGone_ = true;
  if (options_.mode == Mode::kRun)
    holding_.disarm();
  else
    holding_.detach();
  return true;
}

std::string Session::status() const {
  std::string text = kDone;
  const auto add = [&text](const char* name, const std::string& value) {
    text += name + (" " + value) + "\n";
  };
  add("supervisor", std::to_string(getpid()));
  add("mode", nameOf(options_.mode));
  if (root_ != 0) add("root", std::to_string(root_));
  add("state", !holding_.released().empty() ? "released" : detached_ ? "unmasked" : "masked");
  add("answered", std::to_string(supervisor_.answered()));
  add("threads", std::to_string(supervisor_.threads()));
  for (const pid_t pid : supervisor_.processes())
    add("process", std::to_string(pid) + (supervisor_.isMasked(pid) ? " masked" : " bare"));
  add("mask", maskMark_);
  add("trap", source_.name());
  if (source_.watchesCode()) add("unproven", std::to_string(supervisor_.leftUnproven()));
  // Whoever has come since had run without the mask; it, and what it has started, may keep what it
  // saw.
  if (options_.fromStart && !holding_.hasLater()) text += "from-start\n";
  if (detached_) text += "unmasked\n";
  for (const Released& one : holding_.released())
    add("process",
        std::to_string(one.pid) + (one.wasStopped ? " released stopped" : " released running"));
  return text;
}

}  // namespace cpugate
