/** Which CPU a task runs on: for the leaves that differ from CPU to CPU. */
#ifndef CPUGATE_SUPERVISOR_TASK_CPU_H_
#define CPUGATE_SUPERVISOR_TASK_CPU_H_

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "stat_file.h"

namespace cpugate {

/** Field 39 of the text of /proc/…/stat; nothing where it isn't there. */
std::optional<unsigned> cpuInStat(std::string_view text);

/**
 * Asks the kernel, by /proc. The word that it keeps in the memory of a thread with restartable
 * sequences would be cheaper to read, but whoever reads a task's memory waits until the task lets
 * go of the page (userfaultfd, FUSE), and all tasks with him.
 */
class TaskCpu {
 public:
  /** The CPU that a task runs on, or ran on last; nothing where the task is gone. */
  std::optional<unsigned> of(pid_t tid);

 private:
  /** The text of this thread or of a dead one that had its number; -1: of none. */
  pid_t tid_ = -1;
  /** Topology is asked more than once. */
  StatFile stat_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_TASK_CPU_H_
