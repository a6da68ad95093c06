/**
 * Tries what touches this machine: CPUs, children, the kernel's answer to ARCH_SET_CPUID. Built and
 * run by test/native/probe.test.ts.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>

#include "../cpu/affinity.h"
#include "cpus.h"
#include "expect.h"
#include "faulting.h"

namespace cpugate {
namespace {

using std::chrono::milliseconds;

void everyAllowedCpuAnswers(Expectations& expect) {
  const auto allowed = allowedCpus().value();
  const auto cpus = probeCpus().value();
  expect.that(!allowed.empty() && cpus.size() == allowed.size(), "one answer for each CPU");
  for (size_t place = 0; place < cpus.size() && place < allowed.size(); ++place) {
    expect.that(cpus[place].cpu == allowed[place] && cpus[place].error == 0, "in order, no error");
    expect.that(cpus[place].answers.rows.size() > 3, "with rows");
  }
  expect.that(allowedCpus().value() == allowed, "the caller may run where it might before");
}

void onlyAllowedCpusAreAsked(Expectations& expect) {
  const auto before = allowedCpus().value();
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(before.back(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    const auto cpus = probeCpus().value();
    expect.that(cpus.size() == 1 && cpus[0].cpu == before.back(), "the one that is left");
  }).join();
  expect.that(allowedCpus().value() == before, "another thread's mask is its own");
}

void missingCpusAreReported(Expectations& expect) {
  const auto cpus = probeCpus({500'000, allowedCpus()->front()}).value();
  expect.that(cpus.size() == 2 && cpus[0].error == EINVAL && cpus[0].answers.rows.empty(),
              "EINVAL and no rows");
  expect.that(cpus.back().error == 0 && !cpus.back().answers.rows.empty(), "the next is asked");
}

void childrenAlwaysEnd(Expectations& expect) {
  const ChildOutcome good = runInChild(
      [](ChildReport& report) {
        report.stage = 7;
        report.error = 8;
        report.code = 9;
      },
      milliseconds(5000));
  expect.that(good.end == ChildEnd::kExited && good.number == 0, "a child that returns exits");
  expect.that(good.stage == 7 && good.error == 8 && good.code == 9, "and has reported");

  const ChildOutcome killed =
      runInChild([](ChildReport&) { kill(getpid(), SIGKILL); }, milliseconds(5000));
  expect.that(killed.end == ChildEnd::kKilled && killed.number == SIGKILL, "by which signal");

  const auto start = std::chrono::steady_clock::now();
  const ChildOutcome hung = runInChild(
      [](ChildReport& report) {
        report.stage = 1;
        for (;;) pause();
      },
      milliseconds(50));
  const auto took = std::chrono::steady_clock::now() - start;
  expect.that(hung.end == ChildEnd::kTimeout && hung.stage == 1, "a child that hangs is ended");
  expect.that(took < milliseconds(3000), "soon");

  expect.that(waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD, "no child is left");
}

void signalsComeBack(Expectations& expect) {
  sigset_t before = {};
  sigset_t after = {};
  sigaddset(&before, SIGUSR1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const ChildOutcome blocked = runInChild(
      [](ChildReport& report) {
        sigset_t mask;
        sigprocmask(SIG_SETMASK, nullptr, &mask);
        report.stage = sigismember(&mask, SIGTERM);
      },
      milliseconds(5000));
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  expect.that(blocked.stage == 1, "the child runs with signals blocked");
  expect.that(std::memcmp(&before, &after, sizeof(before)) == 0, "the parent's mask is as before");
}

void ignoredSigchldLosesNothing(Expectations& expect) {
  signal(SIGCHLD, SIG_IGN);
  const ChildOutcome outcome =
      runInChild([](ChildReport& report) { report.stage = kTrapped; }, milliseconds(5000));
  signal(SIGCHLD, SIG_DFL);
  expect.that(outcome.end == ChildEnd::kUnknown && outcome.stage == kTrapped, "the report counts");
}

struct Judgement {
  ChildOutcome outcome;
  const char* how;
  int number;
};

const Judgement kJudgements[] = {
    {{.end = ChildEnd::kNoChild, .number = EAGAIN}, "no-child", EAGAIN},
    {{.end = ChildEnd::kExited, .stage = kTrapped, .code = SI_KERNEL}, "works", 0},
    {{.end = ChildEnd::kUnknown, .stage = kTrapped, .code = SI_KERNEL}, "works", 0},
    {{.end = ChildEnd::kExited, .stage = kTrapped, .code = SEGV_MAPERR}, "odd-trap", SEGV_MAPERR},
    {{.end = ChildEnd::kExited, .stage = kAnswered}, "no-trap", 0},
    {{.end = ChildEnd::kExited, .stage = kSwitchRefused, .error = ENODEV}, "unsupported", ENODEV},
    {{.end = ChildEnd::kExited, .stage = kSwitchRefused, .error = EINVAL}, "unsupported", EINVAL},
    {{.end = ChildEnd::kExited, .stage = kSwitchRefused, .error = EPERM}, "refused", EPERM},
    {{.end = ChildEnd::kExited, .stage = kSwitchRefused, .error = ENOSYS}, "refused", ENOSYS},
    {{.end = ChildEnd::kKilled, .number = SIGSYS, .stage = kStarted}, "killed", SIGSYS},
    {{.end = ChildEnd::kKilled, .number = SIGSEGV, .stage = kSwitched}, "killed", SIGSEGV},
    {{.end = ChildEnd::kTimeout, .stage = kSwitched}, "timeout", 0},
    {{.end = ChildEnd::kExited, .stage = kStarted}, "lost", 0},
};

void verdictsFollowFromEnds(Expectations& expect) {
  for (const Judgement& test : kJudgements) {
    const FaultingVerdict got = judgeFaulting(test.outcome);
    expect.that(std::string(got.how) == test.how && got.number == test.number,
                std::string(test.how) + ", not " + got.how);
  }
}

/** For the calling thread and its children: ARCH_SET_CPUID gets this seccomp answer. */
bool filterSwitch(uint32_t answer) {
  constexpr uint32_t kArchSetCpuid = 0x1012;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchSetCpuid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, answer),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {.len = std::size(code), .filter = code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

struct FilterCase {
  uint32_t answer;
  const char* how;
  int number;
};

const FilterCase kFilterCases[] = {
    {SECCOMP_RET_ERRNO | EPERM, "refused", EPERM},
    {SECCOMP_RET_ERRNO | ENOSYS, "refused", ENOSYS},
    {SECCOMP_RET_KILL_PROCESS, "killed", SIGSYS},
    // Success that changes nothing, as where a hypervisor's switch does nothing.
    {SECCOMP_RET_ERRNO | 0, "no-trap", 0},
};

void seccompFiltersAreToldApart(Expectations& expect) {
  for (const FilterCase& test : kFilterCases)
    // A filter can't be taken off; it ends with its thread.
    std::thread([&] {
      if (!filterSwitch(test.answer)) {
        std::printf("(no seccomp here)\n");
        return;
      }
      const FaultingVerdict got = probeCpuidFaulting(milliseconds(5000));
      expect.that(std::string(got.how) == test.how && got.number == test.number,
                  std::string(test.how) + ", not " + got.how);
    }).join();
}

void faultingIsTheSameTwice(Expectations& expect) {
  const FaultingVerdict first = probeCpuidFaulting(milliseconds(5000));
  const FaultingVerdict second = probeCpuidFaulting(milliseconds(5000));
  expect.that(std::string(first.how) == second.how && first.number == second.number,
              std::string(first.how) + " and " + second.how);
  // Had the switch not stayed in the child, this would end the program.
  expect.that(!probeCpus()->empty(), "CPUID still works here");
}

void offersAreMadeWhereTrialsWork(Expectations& expect) {
  const std::string how = probeCpuidFaulting(milliseconds(5000)).how;
  if (how == "works" || how == "no-trap") expect.that(offersCpuidFaulting(), how + " is offered");
  if (how == "unsupported")
    expect.that(!offersCpuidFaulting(), "what is unsupported isn't offered");
  // Had asking switched it off, this would end the program.
  expect.that(!probeCpus()->empty(), "CPUID works after the question");
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::everyAllowedCpuAnswers(expect);
  cpugate::onlyAllowedCpusAreAsked(expect);
  cpugate::missingCpusAreReported(expect);
  cpugate::childrenAlwaysEnd(expect);
  cpugate::signalsComeBack(expect);
  cpugate::ignoredSigchldLosesNothing(expect);
  cpugate::verdictsFollowFromEnds(expect);
  cpugate::seccompFiltersAreToldApart(expect);
  cpugate::faultingIsTheSameTwice(expect);
  cpugate::offersAreMadeWhereTrialsWork(expect);
  return expect.conclude();
}
