/**
 * Where tasks run, what is told of them, and CPUID there, on this machine. Built and run by
 * test/native/supervisor.test.ts.
 */
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../cpu/affinity.h"
#include "../probe/cpus.h"
#include "../probe/expect.h"
#include "self_arming.h"
#include "task_cpu.h"
#include "task_status.h"
#include "tracee.h"

namespace cpugate {
namespace {

/** Fields 3 to 52, of which the 39th holds `cpu`. */
std::string statOf(const std::string& name, const std::string& cpu) {
  std::string text = "4242 (" + name + ") S";
  for (int field = 4; field <= 52; ++field) text += ' ' + (field == 39 ? cpu : std::string("7"));
  return text + '\n';
}

struct StatCase {
  const char* what;
  std::string text;
  std::optional<unsigned> cpu;
};

const StatCase kStatCases[] = {
    {"usual", statOf("bash", "3"), 3},
    {"many CPUs", statOf("bash", "5119"), 5119},
    {"a name with blanks", statOf("Web Content", "1"), 1},
    {"a name with brackets", statOf("(sd-pam)", "1"), 1},
    {"a name that imitates fields", statOf(") S 1 2 3", "1"), 1},
    {"a name that ends with a bracket", statOf("x) ", "1"), 1},
    {"no name", statOf("", "1"), 1},
    {"a line break in the name", statOf("a\nb", "1"), 1},
    {"not a number", statOf("bash", "x"), {}},
    {"negative", statOf("bash", "-1"), {}},
    {"more than fits", statOf("bash", "99999999999"), {}},
    {"with something behind it", statOf("bash", "1x"), {}},
    {"nothing", "", {}},
    {"no bracket", "4242 bash S 1 2", {}},
    {"too few fields", "4242 (bash) S 1 2 3\n", {}},
};

void fieldsAreCountedBehindTheName(Expectations& expect) {
  for (const StatCase& test : kStatCases) expect.that(cpuInStat(test.text) == test.cpu, test.what);
  const std::string whole = statOf("bash", "12");
  const size_t end = whole.find(" 12 ") + 3;
  for (size_t size = 0; size <= end; ++size)
    expect.that(!cpuInStat(std::string_view(whole).substr(0, size)), "cut text");
}

void pin(unsigned cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) abort();
}

void keepBusy() {
  for (;;) asm volatile("pause");
}

class Child {
 public:
  explicit Child(unsigned cpu) : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(cpu);
    raise(SIGSTOP);
    keepBusy();
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  /** Pinned, and stopped. */
  void wait() const { waitpid(pid_, nullptr, WUNTRACED); }

 private:
  pid_t pid_;
};

void tasksAreFound(Expectations& expect) {
  const auto allowed = allowedCpus().value();
  TaskCpu finder;
  for (unsigned cpu : allowed) {
    if (cpu >= CPU_SETSIZE) break;
    const Child child(cpu);
    child.wait();
    expect.that(finder.of(child.pid()) == cpu, "the first time");
    expect.that(finder.of(child.pid()) == cpu, "by what is open");
    expect.that(finder.of(getpid()).has_value(), "another one");
    expect.that(finder.of(child.pid()) == cpu, "and again");
  }
}

void tasksThatAreGoneAreNowhere(Expectations& expect) {
  TaskCpu finder;
  pid_t gone = fork();
  if (gone == 0) pause();
  expect.that(finder.of(gone).has_value(), "there");
  kill(gone, SIGKILL);
  waitpid(gone, nullptr, 0);
  expect.that(!finder.of(gone) && !finder.of(gone) && !TaskCpu().of(gone), "gone");
  expect.that(!finder.of(0) && !finder.of(-1) && !TaskCpu().of(-1), "no task's numbers");
}

void statusTellsOfSignals(Expectations& expect) {
  // Groups stand before the signals, and take more than a page; only root may have them at will.
  std::vector<gid_t> many(2000);
  for (size_t place = 0; place < many.size(); ++place)
    many[place] = static_cast<gid_t>(1'000'000 + place);
  for (const std::vector<gid_t>& groups : {std::vector<gid_t>{}, many}) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (setgroups(groups.size(), groups.data()) != 0) std::printf("(no other groups here)\n");
      signal(SIGUSR1, [](int) {});
      sigset_t blocked;
      sigemptyset(&blocked);
      sigaddset(&blocked, SIGUSR2);
      sigprocmask(SIG_BLOCK, &blocked, nullptr);
      syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2);
      raise(SIGSTOP);
      _exit(0);
    }
    waitpid(child, nullptr, WUNTRACED);
    const TaskStatus status(child);
    expect.that(status.number("Tgid") == child && status.number("PPid") == getpid(), "numbers");
    expect.that(status.number("TracerPid") == 0 && status.number("Tracer") == -1,
                "whole names only");
    // A sanitizer catches some, too.
    const uint64_t caught = status.signals("SigCgt");
    expect.that((caught & bitOf(SIGUSR1)) != 0 && (caught & bitOf(SIGUSR2)) == 0, "caught");
    expect.that(status.signals("SigBlk") == bitOf(SIGUSR2), "blocked");
    expect.that(status.signals("SigPnd") == bitOf(SIGUSR2), "waiting");
    expect.that(!status.hasEnded(), "alive, if stopped");
    kill(child, SIGKILL);
    siginfo_t end;
    waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT);
    expect.that(TaskStatus(child).hasEnded() && TaskStatus(child).number("Tgid") == child,
                "a zombie");
    waitpid(child, nullptr, 0);
    const TaskStatus gone(child);
    expect.that(gone.hasEnded() && gone.number("Tgid") == -1 && gone.signals("SigCgt") == 0,
                "gone");
  }
}

void everyAllowedCpuExecutes(Expectations& expect) {
  const auto before = allowedCpus();
  const auto cpus = probeCpus().value();
  for (const CpuAnswers& known : cpus)
    for (const Row& row : known.answers.rows) {
      if (row.leaf != 1 && row.leaf != 0x80000002) continue;
      const auto got = liveCpuidOn(known.cpu, {{row.leaf, row.subleaf}});
      expect.that(got && got->front().eax == row.answer.eax && got->front().ebx == row.answer.ebx,
                  "as the probe saw it, APIC id included");
      expect.that(allowedCpus() == before, "the thread may run where it might before");
    }
}

void otherCpusDont(Expectations& expect) {
  const auto before = allowedCpus();
  for (unsigned cpu : {65'000u, 65'536u, 0x7fffffffu, ~0u})
    expect.that(!liveCpuidOn(cpu, {{0, 0}}), "no CPU of this machine");
  expect.that(allowedCpus() == before, "the thread may run where it might before");
}

struct ListCase {
  const char* text;
  std::vector<unsigned> cpus;
};

const ListCase kListCases[] = {
    {"0\n", {0}},
    {"0-3\n", {0, 1, 2, 3}},
    {"0-1,4,6-7\n", {0, 1, 4, 6, 7}},
    {"", {}},
    {"\n", {}},
    {"2", {2}},
    {"0-", {}},
    {"x", {}},
    {"65535-4294967295", {65535}},
    {"99999999999", {}},
};

void listsOfCpusAreRead(Expectations& expect) {
  for (const ListCase& test : kListCases)
    expect.that(cpusOfList(test.text) == test.cpus, test.text);
  const std::vector<unsigned> online = onlineCpus();
  const std::vector<unsigned> allowed = allowedCpus().value();
  for (const unsigned cpu : allowed)
    expect.that(std::find(online.begin(), online.end(), cpu) != online.end(), "all of ours");
}

/** How a child of this process ends that does so and returns. */
int endOf(void (*body)()) {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_DUMPABLE, 0);
    // A sanitizer would tell of it.
    signal(SIGSEGV, SIG_DFL);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

/** Whether CPUID traps in a child. */
bool traps(void (*before)()) {
  static void (*prepare)();
  prepare = before;
  const int status = endOf([] {
    prepare();
    executeCpuid(0, 0);
  });
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

void armedThreadsStillAsk(Expectations& expect) {
  const CpuidRegisters bare = executeCpuid(0x80000002, 0);
  const unsigned cpu = allowedCpus()->back();
  armSelf();
  armSelf();
  if (!isSelfArmed()) {
    std::printf("(CPUID doesn't trap here)\n");
    expect.that(executeCpuid(0x80000002, 0) == bare, "as before");
  }
  const bool isArmed = isSelfArmed();
  expect.that(traps([] {}) == isArmed, "armed");
  expect.that(liveCpuid(0x80000002, 0) == bare, "here");
  const auto there = liveCpuidOn(cpu, {{0x80000002, 0}, {0x80000003, 0}, {0x80000002, 0}});
  expect.that(there && there->size() == 3 && there->at(0) == bare && there->at(2) == bare, "there");
  expect.that(traps([] {}) == isArmed, "and armed again");
  {
    const SelfDisarmed outer;
    {
      const SelfDisarmed inner;
      expect.that(executeCpuid(0x80000002, 0) == bare, "in two scopes");
    }
    expect.that(liveCpuid(0x80000002, 0) == bare, "within one");
    expect.that(executeCpuid(0x80000002, 0) == bare, "the inner ones arm nothing");
  }
  expect.that(traps([] {}) == isArmed, "the outer one does");
  // The rest of the process is none of this test's business.
  if (isArmed) syscall(SYS_arch_prctl, 0x1012L, 1L);
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::fieldsAreCountedBehindTheName(expect);
  cpugate::tasksAreFound(expect);
  cpugate::tasksThatAreGoneAreNowhere(expect);
  cpugate::statusTellsOfSignals(expect);
  cpugate::everyAllowedCpuExecutes(expect);
  cpugate::otherCpusDont(expect);
  cpugate::listsOfCpusAreRead(expect);
  cpugate::armedThreadsStillAsk(expect);
  return expect.conclude();
}
