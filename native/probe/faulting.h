/** Whether this kernel, on this CPU, makes CPUID trap for a task that asks for it. */
#ifndef CPUGATE_PROBE_FAULTING_H_
#define CPUGATE_PROBE_FAULTING_H_

#include <chrono>
#include <cstdint>
#include <optional>

#include "child.h"

namespace cpugate {

struct FaultingVerdict {
  /**
   * "works"; "unsupported", "refused" (see `number`: errno); "no-trap": switched on, yet CPUID
   * gave an answer; "odd-trap": a SIGSEGV with another si_code (`number`); "killed" (`number`:
   * signal); "timeout"; "no-child" (`number`: errno); "lost": the child's end wasn't seen.
   */
  const char* how = "lost";
  int number = 0;
};

FaultingVerdict probeCpuidFaulting(std::chrono::milliseconds limit);

/**
 * Whether the kernel takes the switch, without a trial: a virtual machine may offer one that does
 * nothing. The calling thread's CPUID stays as it is.
 */
bool offersCpuidFaulting();

/** What a child's end means; pure. */
FaultingVerdict judgeFaulting(const ChildOutcome& outcome);

/** Components that tasks may ask for (ARCH_GET_XCOMP_SUPP, Linux 5.16 and later). */
std::optional<uint64_t> xcompSupported();

/** How far the child came. */
enum FaultingStage : int { kStarted, kSwitchRefused, kSwitched, kTrapped, kAnswered };

}  // namespace cpugate

#endif  // CPUGATE_PROBE_FAULTING_H_
