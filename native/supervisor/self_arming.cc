#include "self_arming.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "../cpu/affinity.h"
#include "system_calls.h"

namespace cpugate {
namespace {

/** As the kernel's flag: a thread's own. */
thread_local bool isArmed = false;
thread_local unsigned disarmedScopes = 0;

bool allowCpuid(bool isAllowed) {
  return syscall(SYS_arch_prctl, static_cast<long>(kArchSetCpuid), isAllowed ? 1L : 0L) == 0;
}

}  // namespace

void armSelf() {
  // Within a scope its end arms.
  if (!isArmed) isArmed = disarmedScopes > 0 || allowCpuid(false);
}

bool isSelfArmed() { return isArmed; }

SelfDisarmed::SelfDisarmed() {
  if (disarmedScopes++ == 0 && isArmed) allowCpuid(true);
}

SelfDisarmed::~SelfDisarmed() {
  if (--disarmedScopes == 0 && isArmed) isArmed = allowCpuid(false);
}

CpuidRegisters liveCpuid(uint32_t leaf, uint32_t subleaf) {
  const SelfDisarmed disarmed;
  return executeCpuid(leaf, subleaf);
}

std::optional<std::vector<CpuidRegisters>> liveCpuidOn(
    unsigned cpu, const std::vector<CpuidQuestion>& questions) {
  const AffinityKept before;
  if (!before.isKnown() || moveTo(cpu) != 0) return std::nullopt;
  const SelfDisarmed disarmed;
  std::vector<CpuidRegisters> answers;
  answers.reserve(questions.size());
  for (const auto [leaf, subleaf] : questions) answers.push_back(executeCpuid(leaf, subleaf));
  // A CPU that goes offline meanwhile sends its threads elsewhere.
  if (!runsOn(cpu)) return std::nullopt;
  return answers;
}

}  // namespace cpugate
