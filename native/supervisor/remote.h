/**
 * System calls made in a stopped task's name, unseen by it.
 *
 * While a RemoteCalls lives, the thread's signals are blocked and its own seccomp filters sleep (where
 * the supervisor may make them sleep); when it ends, registers, signal mask and options are as they
 * were. Calls go by a system call instruction of the vDSO and are believed only if the kernel reports
 * just that call: a task could have put other code there.
 */
#ifndef CPUGATE_SUPERVISOR_REMOTE_H_
#define CPUGATE_SUPERVISOR_REMOTE_H_

#include <array>
#include <cstdint>
#include <optional>

#include "tasks.h"
#include "tracee.h"

namespace cpugate {

/** PTRACE_O_… that every task has; see Task for the rest. */
uint64_t taskOptions(bool tellsEnd);
/** Whether filters can be put to sleep: needs CAP_SYS_ADMIN. Found out once. */
bool canSuspendFilters();

class RemoteCalls {
 public:
  /** The thread must be stopped, at no system call's entry. */
  RemoteCalls(pid_t tid, const Task& task);
  ~RemoteCalls();
  RemoteCalls(const RemoteCalls&) = delete;
  RemoteCalls& operator=(const RemoteCalls&) = delete;

  /** Up to six, as the kernel's convention for the task's kind has them. */
  using Arguments = std::array<uint64_t, 6>;
  /** What the call returned (negative errno); nothing where it wasn't made: the thread is gone, or lied. */
  std::optional<int64_t> call(long number64, long number32, const Arguments& arguments = {});

  pid_t tid() const { return tid_; }
  bool is32() const { return saved_.cs == kCode32; }
  /** Registers and mask that the task goes on with. */
  Registers& registers() { return saved_; }
  uint64_t& signalMask() { return mask_; }
  /**
   * What was seen meanwhile and is for the supervisor's loop to deal with: the thread's end, or that
   * another has taken its place and number by exec.
   */
  std::optional<int> end() const { return end_; }

  /** Room in the task's memory, one at a time, given back as it was; nothing where the task has none. */
  std::optional<uint64_t> borrow(const void* bytes, size_t count);
  void giveBack();

 private:
  std::optional<uint64_t> findGate();
  /** Lets the thread run until its next system call stop. */
  bool toSyscallStop();

  pid_t tid_;
  uint64_t vdso_;
  uint64_t options_;
  Registers saved_{};
  uint64_t mask_ = 0;
  bool alive_ = false;
  bool suspended_ = false;
  /** SIGSTOP came, or the thread was in a group stop. */
  bool stopAgain_ = false;
  bool trapAgain_ = false;
  std::optional<int> end_;
  uint64_t borrowedAt_ = 0;
  size_t borrowedBytes_ = 0;
  char borrowed_[192]{};
  uint64_t patchedAt_ = 0;
  uint64_t patchedWord_ = 0;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_REMOTE_H_
