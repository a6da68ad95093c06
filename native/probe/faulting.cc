/**
 * The flag cpuid_fault in /proc/cpuinfo proves nothing (a hypervisor may offer a switch that does
 * nothing), and ARCH_GET_CPUID succeeds everywhere. So a child switches CPUID off for itself,
 * executes it, and must get what the kernel promises: SIGSEGV with si_code SI_KERNEL
 * (arch_prctl(2); arch/x86/kernel/process.c, set_cpuid_mode).
 */
#include "faulting.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "../cpu/cpuid.h"

namespace cpugate {
namespace {

/** asm/prctl.h, which older distributions' headers don't have in full. */
constexpr long kArchGetCpuid = 0x1011;
constexpr long kArchSetCpuid = 0x1012;
constexpr long kArchGetXcompSupp = 0x1021;

/** A signal handler gets no argument of ours; only the child, which has one thread, sets it. */
ChildReport* childReport = nullptr;

void onFault(int, siginfo_t* info, void*) {
  if (childReport->stage == kSwitched) {
    childReport->code = info->si_code;
    childReport->stage = kTrapped;
  }
  _exit(0);
}

bool catchFaults(ChildReport& report) {
  childReport = &report;
  stack_t stack = {};
  stack.ss_sp = report.signalStack;
  stack.ss_size = sizeof(report.signalStack);
  struct sigaction action = {};
  action.sa_sigaction = onFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigset_t fault;
  sigemptyset(&fault);
  sigaddset(&fault, SIGSEGV);
  return sigaltstack(&stack, nullptr) == 0 && sigaction(SIGSEGV, &action, nullptr) == 0 &&
         sigprocmask(SIG_UNBLOCK, &fault, nullptr) == 0;
}

void switchOffAndExecute(ChildReport& report) {
  if (!catchFaults(report)) return;
  if (syscall(SYS_arch_prctl, kArchSetCpuid, 0L) != 0) {
    report.error = errno;
    report.stage = kSwitchRefused;
    return;
  }
  report.stage = kSwitched;
  executeCpuid(0, 0);
  report.stage = kAnswered;
}

bool lacksSwitch(int error) {
  // ENODEV: no CPU support that this kernel knows. EINVAL: a kernel before 4.12.
  return error == ENODEV || error == EINVAL;
}

}  // namespace

FaultingVerdict judgeFaulting(const ChildOutcome& outcome) {
  if (outcome.end == ChildEnd::kNoChild) return {.how = "no-child", .number = outcome.number};
  switch (outcome.stage) {
    case kSwitchRefused:
      return {.how = lacksSwitch(outcome.error) ? "unsupported" : "refused",
              .number = outcome.error};
    case kTrapped:
      if (outcome.code != SI_KERNEL) return {.how = "odd-trap", .number = outcome.code};
      return {.how = "works"};
    case kAnswered:
      return {.how = "no-trap"};
    default:
      break;
  }
  if (outcome.end == ChildEnd::kKilled) return {.how = "killed", .number = outcome.number};
  if (outcome.end == ChildEnd::kTimeout) return {.how = "timeout"};
  return {.how = "lost"};
}

FaultingVerdict probeCpuidFaulting(std::chrono::milliseconds limit) {
  return judgeFaulting(runInChild(switchOffAndExecute, limit));
}

bool offersCpuidFaulting() {
  const long allowed = syscall(SYS_arch_prctl, kArchGetCpuid, 0L);
  return allowed >= 0 && syscall(SYS_arch_prctl, kArchSetCpuid, allowed) == 0;
}

std::optional<uint64_t> xcompSupported() {
  uint64_t mask = 0;
  if (syscall(SYS_arch_prctl, kArchGetXcompSupp, &mask) != 0) return std::nullopt;
  return mask;
}

}  // namespace cpugate
