/**
 * In faulting_source.cc's place in a supervisor that is only built by tests, with
 * CPUGATE_TRAP_OPCODE=0x32: RDMSR (0F 32) raises #GP in every user's program, which the kernel
 * passes on as it does a CPUID that faults. So nothing needs to be armed, and everything else of
 * the supervisor runs on any machine. The call that arms is another one that succeeds everywhere,
 * that exec undoes, and that a program can ask for: so programs that attack it can be found out.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "system_calls.h"
#include "trap_source.h"

namespace cpugate {
namespace {

constexpr long kPrctl32 = 172;
constexpr long kArchPrctl32 = 384;

class StandIn final : public TrapSource {
 public:
  const char* name() const override { return "faulting"; }
  bool works(std::string*) const override { return true; }

  Co<bool> arm(RemoteCalls& calls) const override { co_return co_await set(calls, 1); }
  Co<bool> disarm(RemoteCalls& calls) const override { co_return co_await set(calls, 0); }

  bool isTrapSignal(const siginfo_t& info) const override {
    return info.si_signo == SIGSEGV && info.si_code == SI_KERNEL;
  }

 private:
  static Co<bool> set(RemoteCalls& calls, uint64_t value) {
    // The real call's number, too, which filters of a task's own may forbid.
    const RemoteCalls::Arguments ask{kArchGetCpuid, 0, 0, 0, 0, 0};
    const auto answer = co_await calls.call(SYS_arch_prctl, kArchPrctl32, ask);
    if (answer != 1) co_return false;
    const RemoteCalls::Arguments keep{PR_SET_KEEPCAPS, value, 0, 0, 0, 0};
    const auto result = co_await calls.call(SYS_prctl, kPrctl32, keep);
    co_return result == 0;
  }
};

}  // namespace

const TrapSource& cpuidFaulting() {
  static const StandIn source;
  return source;
}

}  // namespace cpugate
