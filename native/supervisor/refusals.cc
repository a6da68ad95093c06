#include "refusals.h"

#include <unistd.h>

#include <algorithm>

#include "printable.h"
#include "processes.h"
#include "task_status.h"

namespace cpugate {

namespace {

bool isSelfOrAncestor(pid_t pid) {
  const auto ancestors = ancestorsOf(getpid());
  return pid == getpid() || std::ranges::find(ancestors, pid) != ancestors.end();
}

/** A process is there while any thread of it is. */
bool hasLivingThread(pid_t pid) {
  return std::ranges::any_of(threadsOf(pid), [](pid_t tid) { return !TaskStatus(tid).hasEnded(); });
}

std::optional<std::string> whyNotThisProcess(pid_t pid) {
  const std::string name = "process " + std::to_string(pid);
  if (TaskStatus(pid).state() == '\0') return "there is no " + name + "; give one that runs";
  if (pid == getpid()) return name + " is cpugate itself; give another";
  if (isSelfOrAncestor(pid))
    return name +
           " is one that cpugate comes of, which would be put under the mask itself; call it from "
           "another shell";
  if (isKernelThread(pid))
    return name + " is one of the kernel's own threads; give a program's process";
  if (!hasLivingThread(pid))
    return name + " has ended and waits for its parent to look; give one that runs";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> whyNothingCanBeHeld() {
  if (procIsOurs()) return std::nullopt;
  return "/proc is not mounted here, or shows another PID namespace; mount it: mount -t proc proc "
         "/proc";
}

std::optional<std::string> whyNotTheseProcesses(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids)
    if (auto why = whyNotThisProcess(pid)) return why;
  return std::nullopt;
}

std::optional<std::string> whyNotTheseCgroups(const std::vector<const char*>& cgroups) {
  for (const char* cgroup : cgroups) {
    std::vector<pid_t> pids;
    if (!processesIn(cgroup, &pids)) return printable(cgroup) + " is not a cgroup v2 folder";
    for (const pid_t pid : pids)
      if (isSelfOrAncestor(pid))
        return "cgroup " + printable(cgroup) +
               " holds cpugate itself or what it comes of (process " + std::to_string(pid) +
               "); give a cgroup of the tasks alone, or processes with --pid";
  }
  return std::nullopt;
}

}  // namespace cpugate
