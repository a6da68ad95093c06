#include <asm/prctl.h>
#include <errno.h>
#include <sys/syscall.h>

#include <cstring>

#include "../probe/faulting.h"
#include "self_arming.h"
#include "task_status.h"
#include "trap_source.h"

#ifndef ARCH_GET_CPUID
#define ARCH_GET_CPUID 0x1011
#endif
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
  const char* name() const override { return "faulting"; }
  void armOwnThread() const override { armSelf(); }
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

  Co<bool> arm(RemoteCalls& calls) const override { co_return co_await set(calls, 0); }
  Co<bool> disarm(RemoteCalls& calls) const override { co_return co_await set(calls, 1); }

  bool isTrapSignal(const siginfo_t& info) const override {
    return info.si_signo == SIGSEGV && info.si_code == SI_KERNEL;
  }

 private:
  /**
   * A filter of the task's own that couldn't be put to sleep may have answered in the kernel's
   * place, with 0 as well. It can't answer one question in two ways, nor with 1: so the kernel is
   * asked before and after.
   */
  static Co<bool> set(RemoteCalls& calls, uint64_t enabled) {
    const RemoteCalls::Arguments ask{ARCH_GET_CPUID, 0, 0, 0, 0, 0};
    const RemoteCalls::Arguments change{ARCH_SET_CPUID, enabled, 0, 0, 0, 0};
    const bool doubts = !calls.filtersSleep() && hasOwnFilters(calls.tid());
    if (doubts && enabled == 0) {
      const auto before = co_await calls.call(SYS_arch_prctl, kArchPrctl32, ask);
      if (before != 1) co_return false;
    }
    const auto result = co_await calls.call(SYS_arch_prctl, kArchPrctl32, change);
    if (result != 0) co_return false;
    if (!doubts || enabled != 0) co_return true;
    const auto after = co_await calls.call(SYS_arch_prctl, kArchPrctl32, ask);
    co_return after == 0;
  }

  /** More than the guard. Kernels before 5.9 don't tell; then there may be some. */
  static bool hasOwnFilters(pid_t tid) { return TaskStatus(tid).number("Seccomp_filters") != 1; }
};

}  // namespace

const TrapSource& cpuidFaulting() {
  static const Faulting source;
  return source;
}

}  // namespace cpugate
