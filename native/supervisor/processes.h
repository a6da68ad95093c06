/** Which processes and threads there are, from /proc and cgroup v2. */
#ifndef CPUGATE_SUPERVISOR_PROCESSES_H_
#define CPUGATE_SUPERVISOR_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cpugate {

/** Empty where the process is gone. */
std::vector<pid_t> threadsOf(pid_t pid);
/** Whether a process has a userfaultfd open, by which it can fill memory when it likes. */
bool hasUserfaultfd(pid_t pid);
std::vector<pid_t> childrenOf(pid_t pid);
/** From its parent to the first of all processes that /proc shows. */
std::vector<pid_t> ancestorsOf(pid_t pid);
/** When it was started, in ticks since boot; nothing where it is gone. */
std::optional<uint64_t> startOf(pid_t pid);
/** One of the kernel's own, which executes nothing of a program. */
bool isKernelThread(pid_t pid);
/** Whether /proc is of our PID namespace: else its numbers mean other processes than ours. */
bool procIsOurs();
/** Processes of a cgroup and of all below it; false where there is no such cgroup. */
bool processesIn(const std::string& cgroup, std::vector<pid_t>* pids);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_PROCESSES_H_
