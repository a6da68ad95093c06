#include <asm/prctl.h>
#include <errno.h>
#include <sys/syscall.h>

#include <cstring>

#include "../probe/faulting.h"
#include "trap_source.h"

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif

namespace cpugate {

namespace {

/** arch/x86/entry/syscalls/syscall_32.tbl; it came with CPUID faulting. */
constexpr long kArchPrctl32 = 384;
constexpr std::chrono::milliseconds kProbeLimit{5000};

class Faulting final : public TrapSource {
 public:
  bool works(std::string* why) const override {
    const FaultingVerdict verdict = probeCpuidFaulting(kProbeLimit);
    if (strcmp(verdict.how, "works") == 0) return true;
    if (strcmp(verdict.how, "unsupported") == 0)
      *why = "this host has no CPUID faulting (ARCH_SET_CPUID: ENODEV)";
    else if (strcmp(verdict.how, "no-trap") == 0)
      *why = "this host claims CPUID faulting, but CPUID doesn't trap";
    else
      *why = std::string("CPUID faulting can't be used here: ") + verdict.how;
    return false;
  }

  bool arm(RemoteCalls& calls) const override { return set(calls, 0); }
  bool disarm(RemoteCalls& calls) const override { return set(calls, 1); }

  bool isTrapSignal(const siginfo_t& info) const override {
    return info.si_signo == SIGSEGV && info.si_code == SI_KERNEL;
  }

 private:
  static bool set(RemoteCalls& calls, uint64_t enabled) {
    return calls.call(SYS_arch_prctl, kArchPrctl32, {ARCH_SET_CPUID, enabled}) == 0;
  }
};

}  // namespace

const TrapSource& cpuidFaulting() {
  static const Faulting source;
  return source;
}

}  // namespace cpugate
