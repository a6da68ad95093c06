#include "faulting_reason.h"

#include <signal.h>

#include <cerrno>
#include <string_view>

namespace cpugate {
namespace {

struct NamedNumber {
  int number;
  const char* name;
};

/** What the calls of a probe may fail with; a C library's own list is glibc's alone. */
constexpr NamedNumber kErrors[] = {
    {EPERM, "EPERM"},   {ESRCH, "ESRCH"},   {EINTR, "EINTR"},   {ECHILD, "ECHILD"},
    {EAGAIN, "EAGAIN"}, {ENOMEM, "ENOMEM"}, {EACCES, "EACCES"}, {EFAULT, "EFAULT"},
    {EBUSY, "EBUSY"},   {ENODEV, "ENODEV"}, {EINVAL, "EINVAL"}, {ENOSYS, "ENOSYS"},
};

constexpr NamedNumber kSignals[] = {
    {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},       {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
    {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"},     {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
    {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"},     {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
    {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"},     {SIGTERM, "SIGTERM"}, {SIGSTKFLT, "SIGSTKFLT"},
    {SIGCHLD, "SIGCHLD"}, {SIGCONT, "SIGCONT"},     {SIGSTOP, "SIGSTOP"}, {SIGTSTP, "SIGTSTP"},
    {SIGTTIN, "SIGTTIN"}, {SIGTTOU, "SIGTTOU"},     {SIGURG, "SIGURG"},   {SIGXCPU, "SIGXCPU"},
    {SIGXFSZ, "SIGXFSZ"}, {SIGVTALRM, "SIGVTALRM"}, {SIGPROF, "SIGPROF"}, {SIGWINCH, "SIGWINCH"},
    {SIGIO, "SIGIO"},     {SIGPWR, "SIGPWR"},       {SIGSYS, "SIGSYS"},
};

std::string signalName(int number) {
  for (const NamedNumber& one : kSignals)
    if (one.number == number) return one.name;
  return "signal " + std::to_string(number);
}

constexpr const char* kWhoHasIt = "Intel has it from Ivy Bridge on, AMD from Zen 4 on";

std::string whyUnsupported(int error, const FaultingContext& context) {
  if (error != ENODEV)
    return "the kernel (" + context.kernel + ") doesn't know ARCH_SET_CPUID (" + errorName(error) +
           "); Linux does from 4.12 on";
  const std::string offer = "the kernel offers no CPUID faulting (ARCH_SET_CPUID: ENODEV)";
  if (context.offeredByCpu)
    return offer + ": the CPU has it, but Linux uses AMD's from 6.17 on, and this is " +
           context.kernel;
  std::string lacks = offer + ": the CPU lacks it (" + kWhoHasIt + ")";
  if (context.hypervisor.empty()) return lacks;
  return lacks + " or the hypervisor (" + context.hypervisor + ") hides it";
}

FaultingAccount no(std::string reason) { return {.works = false, .text = std::move(reason)}; }

FaultingAccount unknown(const std::string& why) {
  return {.works = std::nullopt, .text = "Whether CPUID faulting works is unknown: " + why + "."};
}

}  // namespace

std::string errorName(int number) {
  for (const NamedNumber& one : kErrors)
    if (one.number == number) return one.name;
  return "Unknown system error -" + std::to_string(number);
}

FaultingAccount describeFaulting(const FaultingVerdict& verdict, const FaultingContext& context) {
  const std::string_view how = verdict.how;
  const int number = verdict.number;
  if (how == "works")
    return {.works = true,
            .text =
                "a child process that switched CPUID off (ARCH_SET_CPUID) got SIGSEGV on "
                "executing it"};
  if (how == "unsupported") return no(whyUnsupported(number, context));
  if (how == "refused")
    return no("ARCH_SET_CPUID was refused (" + errorName(number) +
              "), as a container's seccomp filter does");
  if (how == "no-trap")
    return no(
        "ARCH_SET_CPUID succeeded, but CPUID still gave an answer: the hypervisor lacks what it "
        "promises, or this process runs under a CPUID mask itself");
  if (how == "odd-trap")
    return no("CPUID raised SIGSEGV with si_code " + std::to_string(number) +
              ", not with SI_KERNEL");
  if (how == "killed")
    return no("the child process that tried it was killed by " + signalName(number) +
              (number == SIGSYS ? ": a seccomp filter forbids it" : ""));
  if (how == "timeout") return unknown("the child process that tried it did not end in time");
  if (how == "no-child")
    return unknown("no child process could be started to try it (" + errorName(number) + ")");
  return unknown("the child process that tried it ended without an answer");
}

}  // namespace cpugate
