/**
 * In faulting_source.cc's place in a supervisor that is only built by tests, with
 * CPUGATE_TRAP_OPCODE=0x32: RDMSR (0F 32) raises #GP in every user's program, which the kernel
 * passes on as it does a CPUID that faults. So nothing needs to be armed, and everything else of
 * the supervisor runs on any machine.
 */
#include <asm/prctl.h>
#include <sys/syscall.h>

#include "trap_source.h"

#ifndef ARCH_GET_CPUID
#define ARCH_GET_CPUID 0x1011
#endif

namespace cpugate {
namespace {

constexpr long kArchPrctl32 = 384;

class StandIn final : public TrapSource {
 public:
  bool works(std::string*) const override { return true; }

  /** The same call as for the real one, of a kind that succeeds everywhere and changes nothing. */
  Co<bool> arm(RemoteCalls& calls) const override {
    const RemoteCalls::Arguments ask{ARCH_GET_CPUID, 0, 0, 0, 0, 0};
    const auto answer = co_await calls.call(SYS_arch_prctl, kArchPrctl32, ask);
    co_return answer == 1;
  }
  Co<bool> disarm(RemoteCalls& calls) const override { co_return co_await arm(calls); }

  bool isTrapSignal(const siginfo_t& info) const override {
    return info.si_signo == SIGSEGV && info.si_code == SI_KERNEL;
  }
};

}  // namespace

const TrapSource& cpuidFaulting() {
  static const StandIn source;
  return source;
}

}  // namespace cpugate
