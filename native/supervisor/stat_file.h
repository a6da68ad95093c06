/** What the kernel tells of a thread in /proc/PID/task/TID/stat (proc_pid_stat(5)). */
#ifndef CPUGATE_SUPERVISOR_STAT_FILE_H_
#define CPUGATE_SUPERVISOR_STAT_FILE_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "scoped_fd.h"

namespace cpugate {

/** A number of its text, by its place from 1 on, from the third on; nothing where it isn't there.
 */
std::optional<uint64_t> numberInStat(std::string_view text, int place);

/** Kept open, as opening it takes longer than reading it. */
class StatFile {
 public:
  StatFile() = default;
  /** Of a thread; of no later one that gets its number. */
  explicit StatFile(pid_t tid);

  bool isOpen() const { return file_.isOpen(); }
  /** As of now; nothing where it isn't told, or the thread is gone. */
  std::optional<uint64_t> number(int place) const;

 private:
  ScopedFd file_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_STAT_FILE_H_
