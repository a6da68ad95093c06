/** Puts into words what the attempt to make CPUID trap met: src/probe/faulting-reason.ts in C++. */
#ifndef CPUGATE_PROBE_FAULTING_REASON_H_
#define CPUGATE_PROBE_FAULTING_REASON_H_

#include <optional>
#include <string>

#include "faulting.h"

namespace cpugate {

/** What is known of the machine, to say why it doesn't work. */
struct FaultingContext {
  std::string kernel;
  std::string hypervisor;     // its signature; empty: none, or not known
  bool offeredByCpu = false;  // gp_on_user_cpuid
};

struct FaultingAccount {
  std::optional<bool> works;  // nothing: the attempt itself went wrong, and `text` is a remark
  std::string text;
};

FaultingAccount describeFaulting(const FaultingVerdict& verdict, const FaultingContext& context);

/** "EPERM"; in Node's words, for numbers that nothing here meets. */
std::string errorName(int number);

}  // namespace cpugate

#endif  // CPUGATE_PROBE_FAULTING_REASON_H_
