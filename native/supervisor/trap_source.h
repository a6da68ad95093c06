/**
 * How a task's CPUID gets to the supervisor: by CPUID faulting, which the kernel switches on in a
 * thread, or by other code in its place, which a process's threads share.
 */
#ifndef CPUGATE_SUPERVISOR_TRAP_SOURCE_H_
#define CPUGATE_SUPERVISOR_TRAP_SOURCE_H_

#include <signal.h>

#include <optional>
#include <string>

#include "code_patches.h"
#include "remote.h"
#include "script.h"

namespace cpugate {

/** What a fault at memory that isn't executable comes to. */
struct Fetched {
  enum class What {
    /** It is the task's own. */
    kOwn,
    /** The memory is executable by now, as the task has asked for: it goes on where it was. */
    kGiven,
    /** It was so before the look: the same, unless the fault is about something else. */
    kAgain,
  };
  What what = What::kOwn;
  /** Given for as long as the thread is there: what else lies there isn't known. */
  std::optional<Held> until;
};

class TrapSource {
 public:
  virtual ~TrapSource() = default;
  /** In a word, as options and answers have it. */
  virtual const char* name() const = 0;
  /** Whether it works on this host; if not, why. */
  virtual bool works(std::string* why) const = 0;
  /** From the next instruction on the thread's CPUID traps, or no longer; true: that is certain. */
  virtual Co<bool> arm(RemoteCalls& calls) const = 0;
  virtual Co<bool> disarm(RemoteCalls& calls) const = 0;
  /** Whether a signal is the trap's, by what the kernel says of it. */
  virtual bool isTrapSignal(const siginfo_t& info) const = 0;
  /** The supervisor's own thread, where its switches to and from tasks are cheaper then. */
  virtual void armOwnThread() const {}

  /**
   * Whether it has to see memory become executable. Then tasks' guards bring the calls that do it
   * (guard.h) here, and faults at memory that isn't executable.
   */
  virtual bool watchesCode() const { return false; }
  /** The thread stands at the entry of such a call. */
  virtual Co<void> makeCodeCall(Task& task, SyscallStop stop) const;
  /** The thread, at `at`, couldn't execute what lies at `address`. */
  virtual Co<Fetched> onFetchFault(RemoteCalls& calls, uint64_t address, uint64_t at) const;
  /** It has left what was given for so long. */
  virtual Co<void> holdAgain(RemoteCalls& calls, Held held) const;
};

inline Co<void> TrapSource::holdAgain(RemoteCalls&, Held) const { co_return; }
inline Co<void> TrapSource::makeCodeCall(Task&, SyscallStop) const { co_return; }
inline Co<Fetched> TrapSource::onFetchFault(RemoteCalls&, uint64_t, uint64_t) const {
  co_return Fetched{};
}

/** ARCH_SET_CPUID: the kernel sends SIGSEGV with si_code SI_KERNEL at the instruction. */
const TrapSource& cpuidFaulting();
/** RDMSR in CPUID's place, for which the kernel sends the same; of 64-bit programs. */
const TrapSource& patchedCode();

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_TRAP_SOURCE_H_
