/**
 * A task's memory. A page may not be there before the task itself, or a helper of it, brings it
 * (userfaultfd, or a file system in FUSE): whoever reads it waits. So what isn't at hand is read on
 * another thread, and only the script that wants it waits.
 *
 * A page can be taken away between the look and the deed. What the supervisor's own thread has
 * waited for longer than a second is ended with the task that it waits for, and if that doesn't
 * help with all tasks: `endBlockedTransfer`, called now and then from another thread.
 */
#ifndef CPUGATE_SUPERVISOR_MEMORY_H_
#define CPUGATE_SUPERVISOR_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "script.h"
#include "task.h"

namespace cpugate {

/** Whether memory can be read at once: its pages are there. */
bool isAtHand(const Task& task, uint64_t address, size_t bytes);

/** As much as can be read, in bytes; stops at the first page that can't. */
Co<size_t> readTask(const Task& task, uint64_t address, void* to, size_t bytes);
/** All or nothing, as far as the task itself may write. */
Co<bool> writeTask(const Task& task, uint64_t address, const void* from, size_t bytes);

/** On the supervisor's thread, between two waits: scripts whose memory has come go on. */
void finishTransfers();

/** Ends what the supervisor's thread has waited for too long. */
void endBlockedTransfer();

/** While it lives, the supervisor's thread touches a task's memory. */
class Touching {
 public:
  explicit Touching(pid_t tid);
  ~Touching();
  Touching(const Touching&) = delete;
  Touching& operator=(const Touching&) = delete;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_MEMORY_H_
