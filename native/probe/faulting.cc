// The flag cpuid_fault in /proc/cpuinfo proves nothing (a hypervisor may offer a switch that does
// nothing), and ARCH_GET_CPUID succeeds everywhere. So a child switches CPUID off for itself,
// executes it, and must get what the kernel promises: SIGSEGV with si_code SI_KERNEL
// (arch_prctl(2); arch/x86/kernel/process.c, set_cpuid_mode).
#include "faulting.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace cpugate {
namespace {

// asm/prctl.h, which older distributions' headers don't have in full.
constexpr long kArchSetCpuid = 0x1012;
constexpr long kArchGetXcompSupp = 0x1021;

// A signal handler gets no argument of ours; only the child, which has one thread, sets it.
ChildReport* child_report = nullptr;

void OnFault(int, siginfo_t* info, void*) {
  if (child_report->stage == kSwitched) {
    child_report->code = info->si_code;
    child_report->stage = kTrapped;
  }
  _exit(0);
}

bool CatchFaults(ChildReport& report) {
  child_report = &report;
  stack_t stack = {};
  stack.ss_sp = report.signal_stack;
  stack.ss_size = sizeof(report.signal_stack);
  struct sigaction action = {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigset_t fault;
  sigemptyset(&fault);
  sigaddset(&fault, SIGSEGV);
  return sigaltstack(&stack, nullptr) == 0 && sigaction(SIGSEGV, &action, nullptr) == 0 &&
         sigprocmask(SIG_UNBLOCK, &fault, nullptr) == 0;
}

void SwitchOffAndExecute(ChildReport& report) {
  if (!CatchFaults(report)) return;
  if (syscall(SYS_arch_prctl, kArchSetCpuid, 0L) != 0) {
    report.error = errno;
    report.stage = kSwitchRefused;
    return;
  }
  report.stage = kSwitched;
  unsigned eax = 0;
  unsigned ecx = 0;
  __asm__ volatile("cpuid" : "+a"(eax), "+c"(ecx) : : "ebx", "edx", "memory");
  report.stage = kAnswered;
}

bool LacksSwitch(int error) {
  // ENODEV: no CPU support that this kernel knows. EINVAL: a kernel before 4.12.
  return error == ENODEV || error == EINVAL;
}

}  // namespace

FaultingVerdict JudgeFaulting(const ChildOutcome& outcome) {
  if (outcome.end == ChildEnd::kNoChild) return {.how = "no-child", .number = outcome.number};
  switch (outcome.stage) {
    case kSwitchRefused:
      return {.how = LacksSwitch(outcome.error) ? "unsupported" : "refused",
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

FaultingVerdict ProbeCpuidFaulting(std::chrono::milliseconds limit) {
  return JudgeFaulting(RunInChild(SwitchOffAndExecute, limit));
}

std::optional<std::uint64_t> XcompSupported() {
  std::uint64_t mask = 0;
  if (syscall(SYS_arch_prctl, kArchGetXcompSupp, &mask) != 0) return std::nullopt;
  return mask;
}

}  // namespace cpugate
