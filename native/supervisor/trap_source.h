/**
 * How a task's CPUID gets to the supervisor. One way so far, CPUID faulting; a host without it may
 * get another, behind this interface.
 */
#ifndef CPUGATE_SUPERVISOR_TRAP_SOURCE_H_
#define CPUGATE_SUPERVISOR_TRAP_SOURCE_H_

#include <signal.h>

#include <string>

#include "remote.h"
#include "script.h"

namespace cpugate {

class TrapSource {
 public:
  virtual ~TrapSource() = default;
  /** Whether it works on this host; if not, why. */
  virtual bool works(std::string* why) const = 0;
  /** From the next instruction on the thread's CPUID traps, or no longer; true: that is certain. */
  virtual Co<bool> arm(RemoteCalls& calls) const = 0;
  virtual Co<bool> disarm(RemoteCalls& calls) const = 0;
  /** Whether a signal is the trap's, by what the kernel says of it. */
  virtual bool isTrapSignal(const siginfo_t& info) const = 0;
};

/** ARCH_SET_CPUID: the kernel sends SIGSEGV with si_code SI_KERNEL at the instruction. */
const TrapSource& cpuidFaulting();

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_TRAP_SOURCE_H_
