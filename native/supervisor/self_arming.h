/**
 * The supervisor's own CPUID traps as that of its tasks: the kernel writes an MSR whenever it
 * switches between a thread whose CPUID traps and one whose doesn't, which in a virtual machine
 * costs an exit each way (arch/x86/kernel/process.c, __switch_to_xtra). Threads and children
 * inherit it; a program that is executed begins without.
 *
 * An armed thread that executes CPUID elsewhere than below dies of SIGSEGV.
 */
#ifndef CPUGATE_SUPERVISOR_SELF_ARMING_H_
#define CPUGATE_SUPERVISOR_SELF_ARMING_H_

#include <optional>
#include <vector>

#include "../cpu/cpuid.h"

namespace cpugate {

/** For the calling thread. Changes nothing where the kernel refuses, and when called once more. */
void armSelf();

bool isSelfArmed();

/** This thread may execute CPUID meanwhile, on whatever CPU. Scopes nest; only the first costs. */
class SelfDisarmed {
 public:
  SelfDisarmed();
  ~SelfDisarmed();
  SelfDisarmed(const SelfDisarmed&) = delete;
  SelfDisarmed& operator=(const SelfDisarmed&) = delete;
};

/** CPUID as the CPU answers it, here. */
CpuidRegisters liveCpuid(uint32_t leaf, uint32_t subleaf);

/**
 * What one CPU answers to each question. This thread moves there meanwhile, once for all of them;
 * nothing where it may not run.
 */
std::optional<std::vector<CpuidRegisters>> liveCpuidOn(unsigned cpu,
                                                       const std::vector<CpuidQuestion>& questions);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SELF_ARMING_H_
