/** Which CPU a task runs on: for the leaves that differ from CPU to CPU. */
#ifndef CPUGATE_SUPERVISOR_TASK_CPU_H_
#define CPUGATE_SUPERVISOR_TASK_CPU_H_

#include <sys/types.h>

#include <optional>
#include <string_view>

namespace cpugate {

/** The CPU that a task runs on, or ran on last; nothing where the task is gone. */
std::optional<unsigned> cpuOfTask(pid_t tid);

/** Field 39 of the text of /proc/…/stat; nothing where it isn't there. */
std::optional<unsigned> cpuInStat(std::string_view text);

/** From /proc, which works for every task. */
std::optional<unsigned> cpuByStat(pid_t tid);

/**
 * From the word that the kernel keeps up to date in the memory of a thread with restartable
 * sequences (glibc 2.35 and later), in about a fifth of the time. Nothing where the thread has
 * none, isn't stopped by this tracer, or the kernel is older than 5.13. The thread could write
 * another number there; it would only deceive itself.
 */
std::optional<unsigned> cpuByRseq(pid_t tid);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_TASK_CPU_H_
