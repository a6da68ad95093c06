/**
 * System calls made in a stopped task's name, unseen by it.
 *
 * From begin() on, the thread's signals are blocked and its own seccomp filters sleep (where the
 * supervisor may make them sleep); when the object ends, registers, signal mask and options are as
 * they were. Calls go by a system call instruction of the vDSO. Memory can be written by others at
 * any time, so the kernel's word alone counts: at the call's entry, its number, architecture,
 * arguments and place must be the ones that were asked for. A thread that does anything else has
 * been tampered with, and is killed.
 *
 * A thread that stands in a restartable sequence leaves it first, as for a signal: the kernel would
 * otherwise forget the sequence at the sight of the other place, and the thread would go on in its
 * middle, unprotected (kernel/rseq.c, rseq_ip_fixup).
 */
#ifndef CPUGATE_SUPERVISOR_REMOTE_H_
#define CPUGATE_SUPERVISOR_REMOTE_H_

#include <array>
#include <cstdint>
#include <optional>

#include "script.h"
#include "task.h"
#include "tracee.h"

namespace cpugate {

/** PTRACE_O_… that every task has; see Task for the rest. */
uint64_t taskOptions(bool tellsEnd);

/** Whether a thread is on its way to a call in its name; from any thread. */
bool areCallsAwaited();

/** A process's own vDSO, and whether it is a 32-bit one, of a program that was executed unseen. */
void learnVdso(const Task& task);

class RemoteCalls {
 public:
  explicit RemoteCalls(Task& task) : task_(task) {}
  ~RemoteCalls();
  RemoteCalls(const RemoteCalls&) = delete;
  RemoteCalls& operator=(const RemoteCalls&) = delete;

  /** The thread must be stopped, at no system call's entry. False: it is gone. */
  Co<bool> begin();

  /** Up to six, as the kernel's convention for the task's kind has them. */
  using Arguments = std::array<uint64_t, 6>;
  /** What the call returned (negative errno); nothing where it wasn't made: the thread is gone. */
  Co<std::optional<int64_t>> call(long number64, long number32, Arguments arguments);
  /** The call that the thread came from is made once more, by its own instruction. */
  Co<std::optional<int64_t>> repeat(Registers asked);

  Task& task() { return task_; }
  pid_t tid() const { return task_.tid; }
  bool is32() const { return task_.space->is32; }
  /** Its filters are asleep: what the kernel answers is the kernel's word. */
  bool filtersSleep() const { return filtersSleep_; }
  bool isAlive() const { return isAlive_; }
  /** Registers and mask that the task goes on with. */
  Registers& registers() { return saved_; }
  uint64_t& signalMask() { return mask_; }

  /**
   * A task that has made itself undumpable can't be read or written by a supervisor without
   * privileges. It isn't that from here until its memory is closed.
   */
  Co<void> openMemory();
  Co<void> closeMemory();

  /** Memory that the task gets for itself, in whole pages; nothing where it can't have any. */
  Co<std::optional<uint64_t>> map(uint64_t bytes);
  Co<void> unmap(uint64_t at, uint64_t bytes);

  /**
   * Room in the task's memory, one at a time, given back as it was;
   * nothing where the task has none.
   */
  Co<std::optional<uint64_t>> borrow(const void* bytes, size_t count);
  Co<void> giveBack();

 private:
  Co<void> leaveSequence();
  Co<bool> findGate();
  /** Lets the thread run to a call's entry, with these registers; nothing where it is gone. */
  Co<std::optional<SyscallStop>> toEntry(Registers registers);
  /** From there to what the call returned. */
  Co<std::optional<int64_t>> toResult();
  /** Lets the thread run until its next system call stop. */
  Co<bool> toSyscallStop();
  std::nullopt_t tampered();

  Task& task_;
  Registers saved_{};
  uint64_t mask_ = 0;
  bool isAlive_ = false;
  bool filtersSleep_ = false;
  /** SIGSTOP came, or the thread was in a group stop. */
  bool stopAgain_ = false;
  bool trapAgain_ = false;
  std::optional<int64_t> dumpableBefore_;
  uint64_t gate_ = 0;
  uint64_t borrowedAt_ = 0;
  size_t borrowedBytes_ = 0;
  char borrowed_[192]{};
  uint64_t pageAt_ = 0;
  uint64_t patchedAt_ = 0;
  uint64_t patchedWord_ = 0;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_REMOTE_H_
