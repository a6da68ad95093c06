#include "holding.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "auxv.h"
#include "processes.h"
#include "remote.h"

namespace cpugate {

namespace {

/** A parent in vfork stops only after its child; a thread in a dead file system, never. */
constexpr time_t kStopSeconds = 10;

bool interrupt(pid_t tid) { return syscall(SYS_ptrace, PTRACE_INTERRUPT, tid, 0, 0) == 0; }

std::string failure(const char* what, pid_t tid) {
  return std::string(what) + " " + std::to_string(tid) + ": " + strerror(errno);
}

pid_t processOf(pid_t tid) { return static_cast<pid_t>(statusField(tid, "Tgid")); }

std::set<pid_t> processesOf(const Tasks& tasks) {
  std::set<pid_t> processes;
  for (const auto& [tid, task] : tasks)
    if (const pid_t pid = processOf(tid); pid > 0) processes.insert(pid);
  return processes;
}

time_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec;
}

}  // namespace

bool Holding::seize(pid_t tid, std::string* error) {
  if (syscall(SYS_ptrace, PTRACE_SEIZE, tid, 0, taskOptions()) == 0) {
    supervisor_.add(tid, false);
    if (interrupt(tid)) supervisor_.settle(tid);
    return true;
  }
  // Gone, or ending, which is EPERM; or a child that came traced already and whose parent will tell of it.
  const int cause = errno;
  if (cause == ESRCH || hasEnded(tid) || statusField(tid, "TracerPid") == getpid()) return true;
  errno = cause;
  *error = cause == EPERM && statusField(tid, "TracerPid") > 0
               ? "another program traces process " + std::to_string(tid) + " (debugger, strace, CRIU)"
               : failure("can't trace process", tid);
  return false;
}

bool Holding::seizeProcess(pid_t pid, bool* found, std::string* error) {
  for (bool more = true; more;) {
    more = false;
    for (const pid_t tid : threadsOf(pid)) {
      if (supervisor_.tasks().contains(tid)) continue;
      if (!seize(tid, error)) return false;
      if (supervisor_.tasks().contains(tid)) *found = more = true;
    }
  }
  return true;
}

bool Holding::take(std::vector<pid_t> pids, bool trees, bool wake, const std::set<pid_t>& keepStopped,
                   std::string* error) {
  std::vector<pid_t> held;
  for (const auto& [tid, task] : supervisor_.tasks()) held.push_back(tid);
  const std::set<pid_t> before(held.begin(), held.end());
  bool good = true;
  for (bool found = true; found && good;) {
    found = false;
    for (size_t place = 0; place < pids.size() && good; ++place) {
      good = seizeProcess(pids[place], &found, error);
      if (!trees) continue;
      for (const pid_t child : childrenOf(pids[place]))
        if (std::find(pids.begin(), pids.end(), child) == pids.end()) {
          pids.push_back(child);
          found = true;
        }
    }
  }
  // Threads of a process share what is known of it.
  std::map<pid_t, pid_t> firstOf;
  std::vector<pid_t> taken;
  for (auto& [tid, task] : supervisor_.tasks())
    if (!before.contains(tid)) taken.push_back(tid);
  if (!good) {
    for (const pid_t tid : taken) {
      // Not armed yet: it goes on as it was.
      syscall(SYS_ptrace, PTRACE_DETACH, tid, 0, 0);
      supervisor_.tasks().erase(tid);
    }
    return false;
  }
  for (const pid_t tid : taken) {
    const auto found = supervisor_.tasks().find(tid);
    if (found == supervisor_.tasks().end() || found->second.armed) continue;
    const pid_t pid = processOf(tid);
    Task& task = found->second;
    if (const auto first = firstOf.find(pid); first != firstOf.end()) {
      const Task& other = supervisor_.tasks()[first->second];
      task.action = other.action;
      task.space = other.space;
    } else {
      Registers registers;
      if (readRegisters(tid, &registers)) task.space->vdso = vdsoOf(pid, registers.cs == kCode32);
      firstOf[pid] = tid;
    }
    if (!supervisor_.armSettled(tid, true) && supervisor_.tasks().contains(tid)) {
      *error = "can't make CPUID trap in process " + std::to_string(pid) + "; it was killed";
      good = false;
    }
  }
  for (const pid_t tid : taken)
    if (supervisor_.tasks().contains(tid)) goOn(tid);
  if (wake)
    for (const auto& [pid, tid] : firstOf)
      if (!keepStopped.contains(pid)) kill(pid, SIGCONT);
  return good;
}

/** Back to where it was: running, or in its group stop, which calls in its name have ended. */
void Holding::goOn(pid_t tid) {
  if (supervisor_.tasks()[tid].inGroupStop) interrupt(tid);
  resume(tid, Resume::kContinue);
}

void Holding::endMask(bool letGo) {
  supervisor_.letAllBe();
  std::set<pid_t> seen;
  // Children come while their parents are asked; they have the trap, too.
  for (bool more = true; more;) {
    more = false;
    std::vector<pid_t> held;
    for (const auto& [tid, task] : supervisor_.tasks())
      if (seen.insert(tid).second) held.push_back(tid);
    for (const pid_t tid : held) {
      more = true;
      if (supervisor_.tasks().contains(tid)) endMaskOf(tid, letGo);
    }
  }
}

void Holding::endMaskOf(pid_t tid, bool letGo) {
  // A child whose parent hasn't told of it stands still already, and would never stop once more.
  const bool stands = supervisor_.tasks()[tid].waitsForParent;
  if (!stands && !(interrupt(tid) && supervisor_.settle(tid))) return;
  if (!supervisor_.disarmSettled(tid)) return;
  if (!letGo) {
    supervisor_.tasks()[tid].waitsForParent = false;
    return goOn(tid);
  }
  syscall(SYS_ptrace, PTRACE_DETACH, tid, 0, 0);
  supervisor_.tasks().erase(tid);
}

bool Holding::stopAll() {
  const time_t last = now() + kStopSeconds;
  for (;;) {
    bool all = true;
    for (const auto& [tid, task] : supervisor_.tasks()) all &= task.inGroupStop && task.trapped;
    if (all) return true;
    if (now() > last) return false;
    int status;
    const pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);
    if (tid > 0) {
      supervisor_.dispatch(tid, WaitStatus(status));
    } else {
      const timespec moment{0, 1000000};
      nanosleep(&moment, nullptr);
    }
  }
}

bool Holding::release(std::string* error) {
  if (!released_.empty()) {
    *error = "the tasks are released already";
    return false;
  }
  std::vector<Released> processes;
  for (const pid_t pid : processesOf(supervisor_.tasks())) {
    const auto first = supervisor_.tasks().find(pid);
    const bool stopped = first != supervisor_.tasks().end() && first->second.inGroupStop;
    processes.push_back({pid, stopped});
    if (!stopped) kill(pid, SIGSTOP);
  }
  supervisor_.trapInGroupStop(true);
  for (const auto& [tid, task] : supervisor_.tasks())
    // A thread that listens for SIGCONT can't be asked anything.
    if (task.inGroupStop && !task.trapped) interrupt(tid);
  const bool stopped = stopAll();
  supervisor_.trapInGroupStop(false);
  if (!stopped) {
    for (const auto& [tid, task] : supervisor_.tasks())
      if (task.trapped) resume(tid, Resume::kListen);
    for (const Released& one : processes)
      if (!one.wasStopped) kill(one.pid, SIGCONT);
    *error = "some tasks don't stop (waiting in vfork, or for a device)";
    return false;
  }
  std::vector<pid_t> held;
  for (const auto& [tid, task] : supervisor_.tasks()) held.push_back(tid);
  for (const pid_t tid : held) {
    if (!supervisor_.tasks().contains(tid)) continue;
    if (supervisor_.disarmSettled(tid)) syscall(SYS_ptrace, PTRACE_DETACH, tid, 0, 0);
    supervisor_.tasks().erase(tid);
  }
  released_ = processes;
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
  released_.clear();
  return true;
}

void Holding::dropEnded() {
  std::erase_if(released_, [](const Released& one) {
    // A zombie whose parent hasn't looked is still there; it has no threads that could run.
    return kill(one.pid, 0) != 0 && errno == ESRCH;
  });
}

}  // namespace cpugate
