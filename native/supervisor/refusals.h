/** What a supervisor is asked to hold but mustn't, or can't; said before anything is done. */
#ifndef CPUGATE_SUPERVISOR_REFUSALS_H_
#define CPUGATE_SUPERVISOR_REFUSALS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace cpugate {

/** Why no task can be held here; nothing: it can. */
std::optional<std::string> whyNothingCanBeHeld();

/** Why these processes, with all below them, can't be taken hold of. */
std::optional<std::string> whyNotTheseProcesses(const std::vector<pid_t>& pids);

/** The same of cgroups. */
std::optional<std::string> whyNotTheseCgroups(const std::vector<const char*>& cgroups);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_REFUSALS_H_
