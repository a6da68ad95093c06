#include "holding.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "processes.h"
#include "remote.h"
#include "task_status.h"

namespace cpugate {

namespace {

/** After that, those that don't stop are not waited for. */
constexpr int64_t kStopMilliseconds = 10'000;
/** Somebody else may stop or wake them at the same time. */
constexpr int64_t kWakeMilliseconds = 1'000;

pid_t processOf(pid_t tid) { return static_cast<pid_t>(TaskStatus(tid).number("Tgid")); }

/** Empty for one that is gone or ending (EPERM), and for a traced child until its parent tells. */
std::string whyNotSeized(pid_t tid, int cause) {
  const TaskStatus status(tid);
  const long tracer = status.number("TracerPid");
  if (cause == ESRCH || status.hasEnded() || tracer == getpid()) return "";
  const std::string process = "process " + std::to_string(tid);
  return cause == EPERM && tracer > 0
             ? "another program traces " + process + " (debugger, strace, CRIU)"
             : "can't trace " + process + ": " + strerror(cause);
}

/** Whether its parent, which is held as well, has a thread that no signal stops. */
bool mayHoldParent(const Supervisor& supervisor, pid_t pid) {
  const auto parent = static_cast<pid_t>(TaskStatus(pid).number("PPid"));
  if (!supervisor.holds(parent)) return false;
  const std::vector<pid_t> threads = threadsOf(parent);
  return std::ranges::any_of(threads, [](pid_t tid) { return TaskStatus(tid).state() == 'D'; });
}

}  // namespace

bool Holding::seizeProcess(pid_t pid, Arrival arrival, bool* found, std::string* error) {
  // Threads of a process share what is known of it.
  const Task* known = nullptr;
  const auto back = std::ranges::find(released_, pid, &Released::pid);
  // What was released has its guard, and would get another each time.
  const Origin origin = back == released_.end()
                            ? Origin{.cameLater = arrival == Arrival::kLater}
                            : Origin{.guarded = true, .cameLater = back->cameLater};
  for (bool more = true; more;) {
    more = false;
    for (const pid_t tid : threadsOf(pid)) {
      if (const auto task = supervisor_.tasks().find(tid); task != nullptr) {
        known = task;
        continue;
      }
      if (syscall(SYS_ptrace, PTRACE_SEIZE, tid, 0, taskOptions(true)) != 0) {
        *error = whyNotSeized(tid, errno);
        if (!error->empty()) return false;
        continue;
      }
      supervisor_.addRunning(tid, known, origin);
      known = supervisor_.tasks().find(tid);
      supervisor_.interrupt(tid);
      *found = more = true;
    }
  }
  return true;
}

bool Holding::take(std::vector<pid_t> pids, bool trees, bool wake,
                   const std::set<pid_t>& keepStopped, std::string* error, Arrival arrival) {
  const std::vector<pid_t> held = supervisor_.tasks().numbers();
  const std::set<pid_t> before(held.begin(), held.end());
  const uint64_t killed = supervisor_.killed();
  bool good = true;
  for (bool found = true; found && good;) {
    found = false;
    for (size_t place = 0; place < pids.size() && good; ++place) {
      good = seizeProcess(pids[place], arrival, &found, error);
      if (!trees) continue;
      for (const pid_t child : childrenOf(pids[place]))
        if (std::find(pids.begin(), pids.end(), child) == pids.end()) {
          pids.push_back(child);
          found = true;
        }
    }
  }
  std::vector<pid_t> taken;
  for (const pid_t tid : supervisor_.tasks().numbers())
    if (!before.contains(tid)) taken.push_back(tid);
  if (!good)
    for (const pid_t tid : taken) supervisor_.want(tid, Intent::kGone);
  supervisor_.runUntil(
      [&] {
        return std::ranges::all_of(taken, [&](pid_t tid) { return supervisor_.isSettled(tid); });
      },
      kStopMilliseconds);
  if (!good) return false;
  if (wake) this->wake(pids, keepStopped, taken);
  if (supervisor_.killed() == killed) return true;
  *error = "can't make CPUID trap in some processes; they were killed";
  return false;
}

/**
 * Until each thread has told of it, what was told before stands in line still: that it is in a
 * group stop. Who is asked for a release meanwhile would be taken for one that somebody else has
 * stopped.
 */
void Holding::wake(const std::vector<pid_t>& pids, const std::set<pid_t>& keepStopped,
                   const std::vector<pid_t>& threads) {
  for (const pid_t pid : pids)
    if (!keepStopped.contains(pid) && supervisor_.holds(pid)) kill(pid, SIGCONT);
  std::vector<pid_t> woken;
  for (const pid_t tid : threads)
    if (!keepStopped.contains(processOf(tid))) woken.push_back(tid);
  supervisor_.runUntil(
      [&] {
        return std::ranges::none_of(woken, [this](pid_t tid) {
          const Task* task = supervisor_.tasks().find(tid);
          return task != nullptr && task->inGroupStop;
        });
      },
      kWakeMilliseconds);
}

void Holding::letGo(pid_t pid) {
  const std::vector<pid_t> threads = threadsOf(pid);
  for (const pid_t tid : threads) {
    supervisor_.want(tid, Intent::kGone);
    supervisor_.interrupt(tid);
  }
  supervisor_.runUntil(
      [&] {
        return std::ranges::none_of(threads, [&](pid_t tid) { return supervisor_.holds(tid); });
      },
      kStopMilliseconds);
}

void Holding::endMask(Intent intent) {
  supervisor_.wantAll(intent);
  for (const pid_t tid : supervisor_.tasks().numbers()) supervisor_.interrupt(tid);
  supervisor_.runUntil([&] { return supervisor_.areAllSettled(); }, kStopMilliseconds);
}

/** Children that come meanwhile are stopped, too; one that holds its parent once that can stop. */
bool Holding::stopAll(std::vector<Released>* processes) {
  std::set<pid_t> asked;
  const auto stopNew = [&](const Task& task) {
    if (asked.contains(task.tid) || task.state == State::kAwaitingParent) return;
    const pid_t pid = processOf(task.tid);
    const Task* first = supervisor_.tasks().find(pid);
    // Of one that was there already when its process was taken hold of, nobody has told.
    if ((first != nullptr && first->holdsParent) || mayHoldParent(supervisor_, pid)) return;
    asked.insert(task.tid);
    const bool isKnown =
        std::ranges::any_of(*processes, [pid](const Released& one) { return one.pid == pid; });
    if (pid <= 0 || isKnown) return;
    const bool stopped = first != nullptr && first->inGroupStop;
    processes->push_back({pid, stopped, task.space->cameLater, ProcessHandle::open(pid)});
    if (!stopped) kill(pid, SIGSTOP);
  };
  supervisor_.gather(true);
  return supervisor_.runUntil(
      [&] {
        supervisor_.tasks().each(stopNew);
        return supervisor_.areAllHeld();
      },
      kStopMilliseconds);
}

bool Holding::release(std::string* error) {
  if (!released_.empty()) {
    *error = "the tasks are released already";
    return false;
  }
  std::vector<Released> processes;
  const bool done = stopAll(&processes) && supervisor_.letGoTrapping();
  supervisor_.gather(false);
  if (!done) {
    *error = "some threads don't stop, in vfork or in a device's hands:";
    supervisor_.tasks().each([error](const Task& task) {
      if (task.state != State::kHeld) *error += " " + std::to_string(task.tid);
    });
    supervisor_.listenAgain();
    for (const Released& one : processes)
      if (!one.wasStopped) kill(one.pid, SIGCONT);
    return false;
  }
  released_ = std::move(processes);
  // Some are on their way to their stop still, which comes before an instruction of theirs.
  supervisor_.runUntil(
      [this] {
        return std::ranges::all_of(released_, [](const Released& one) {
          const char state = TaskStatus(one.pid).state();
          return state == 'T' || state == 't' || !one.handle.isAlive();
        });
      },
      kWakeMilliseconds);
  return true;
}

bool Holding::takeBack(std::string* error) {
  dropEnded();
  std::vector<pid_t> pids;
  std::set<pid_t> keepStopped;
  for (const Released& one : released_) {
    pids.push_back(one.pid);
    if (one.wasStopped) keepStopped.insert(one.pid);
  }
  if (!take(pids, false, true, keepStopped, error)) return false;
  // One that ended just now has perhaps left its number to another, which is none of ours.
  for (const Released& one : released_)
    if (!one.handle.isAlive() && supervisor_.holds(one.pid)) letGo(one.pid);
  released_.clear();
  return true;
}

bool Holding::hasLater() const {
  return supervisor_.holdsLater() ||
         std::ranges::any_of(released_, [](const Released& one) { return one.cameLater; });
}

void Holding::dropEnded() {
  std::erase_if(released_, [](const Released& one) { return !one.handle.isAlive(); });
}

void Holding::stopWoken() {
  for (const Released& one : released_) {
    const TaskStatus status(one.pid);
    // Whoever dumps it holds it by ptrace.
    if (status.state() != 'T' && status.state() != 't' && status.number("TracerPid") == 0)
      one.handle.send(SIGSTOP);
  }
}

}  // namespace cpugate
