/**
 * Who may ask the supervisor for something: whoever is surely none of its tasks and doesn't come of
 * one. A task that could ask would undo its mask; so what can't be proved is refused.
 */
#ifndef CPUGATE_SUPERVISOR_OUTSIDER_H_
#define CPUGATE_SUPERVISOR_OUTSIDER_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "process_handle.h"

namespace cpugate {

/**
 * Why it isn't proved that this process is an outsider, for its user to read; nothing where it is.
 * `isOurs` tells what the caller knows of a process beyond what /proc does.
 *
 * - No thread of it, and no ancestor, is traced by this process or is one that `isOurs` knows.
 * - It has no more filters of system calls than this process: each task has its guard besides
 * (guard.h), which stays on all that come of it, also those that nobody traces and whose parents
 * have ended.
 */
std::optional<std::string> whyNoOutsider(const ProcessHandle& process,
                                         const std::function<bool(pid_t)>& isOurs);

/** Who has connected; isn't open where nobody could be proved to be there now: `why` says it. */
ProcessHandle peerOf(int connection, std::string* why);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_OUTSIDER_H_
