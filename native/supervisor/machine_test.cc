// Where tasks run, what is told of them, and CPUID there, on this machine. Built and run by
// test/native/supervisor.test.ts.
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "../probe/cpus.h"
#include "../probe/expect.h"
#include "answer.h"
#include "task_cpu.h"
#include "task_status.h"
#include "tracee.h"

namespace cpugate {
namespace {

// Fields 3 to 52, of which the 39th holds `cpu`.
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

void FieldsAreCountedBehindTheName(Expectations& expect) {
  for (const StatCase& test : kStatCases) expect.That(cpuInStat(test.text) == test.cpu, test.what);
  const std::string whole = statOf("bash", "12");
  const size_t end = whole.find(" 12 ") + 3;
  for (size_t size = 0; size <= end; ++size)
    expect.That(!cpuInStat(std::string_view(whole).substr(0, size)), "cut text");
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
  // Pinned, and stopped.
  void wait() const { waitpid(pid_, nullptr, WUNTRACED); }
  bool seize() const { return ptrace(PTRACE_SEIZE, pid_, nullptr, nullptr) == 0; }
  bool interrupt() const {
    kill(pid_, SIGCONT);
    if (ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr) != 0) return false;
    int status = 0;
    // SIGCONT and the interruption, in either order; the first will do.
    return waitpid(pid_, &status, 0) == pid_ && WIFSTOPPED(status);
  }

 private:
  pid_t pid_;
};

void TasksAreFound(Expectations& expect) {
  const auto allowed = AllowedCpus().value();
  for (unsigned cpu : allowed) {
    if (cpu >= CPU_SETSIZE) break;
    const Child child(cpu);
    child.wait();
    expect.That(cpuByStat(child.pid()) == cpu, "by /proc");
    expect.That(!cpuByRseq(child.pid()), "not by its memory while it isn't traced");
    expect.That(cpuOfTask(child.pid()) == cpu, "by what works");
    if (!child.seize() || !child.interrupt()) {
      std::printf("(no ptrace here)\n");
      continue;
    }
    const auto byRseq = cpuByRseq(child.pid());
    if (!byRseq) std::printf("(no restartable sequences here)\n");
    expect.That(!byRseq || byRseq == cpu, "by its memory");
    expect.That(cpuOfTask(child.pid()) == cpu, "by what is fastest");
  }
}

void TasksThatAreGoneAreNowhere(Expectations& expect) {
  pid_t gone = fork();
  if (gone == 0) _exit(0);
  waitpid(gone, nullptr, 0);
  expect.That(!cpuOfTask(gone) && !cpuByStat(gone) && !cpuByRseq(gone), "gone");
  expect.That(!cpuOfTask(0) && !cpuOfTask(-1), "no task's numbers");
}

void StatusTellsOfSignals(Expectations& expect) {
  // Groups stand before the signals, and take more than a page; only root may have them at will.
  std::vector<gid_t> many(2000);
  for (size_t place = 0; place < many.size(); ++place) many[place] = static_cast<gid_t>(1'000'000 + place);
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
    expect.That(status.number("Tgid") == child && status.number("PPid") == getpid(), "numbers");
    expect.That(status.number("TracerPid") == 0 && status.number("Tracer") == -1, "whole names only");
    // A sanitizer catches some, too.
    const uint64_t caught = status.signals("SigCgt");
    expect.That((caught & bitOf(SIGUSR1)) != 0 && (caught & bitOf(SIGUSR2)) == 0, "caught");
    expect.That(status.signals("SigBlk") == bitOf(SIGUSR2), "blocked");
    expect.That(status.signals("SigPnd") == bitOf(SIGUSR2), "waiting");
    expect.That(!status.hasEnded(), "alive, if stopped");
    kill(child, SIGKILL);
    siginfo_t end;
    waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT);
    expect.That(TaskStatus(child).hasEnded() && TaskStatus(child).number("Tgid") == child, "a zombie");
    waitpid(child, nullptr, 0);
    const TaskStatus gone(child);
    expect.That(gone.hasEnded() && gone.number("Tgid") == -1 && gone.signals("SigCgt") == 0, "gone");
  }
}

void EveryAllowedCpuExecutes(Expectations& expect) {
  const auto before = AllowedCpus();
  const auto cpus = ProbeCpus().value();
  for (const CpuAnswers& known : cpus)
    for (const Row& row : known.answers.rows) {
      if (row.leaf != 1 && row.leaf != 0x80000002) continue;
      const auto got = executeCpuidOn(known.cpu, row.leaf, row.subleaf);
      expect.That(got && got->eax == row.answer.eax && got->ebx == row.answer.ebx,
                  "as the probe saw it, APIC id included");
      expect.That(AllowedCpus() == before, "the thread may run where it might before");
    }
}

void OtherCpusDont(Expectations& expect) {
  const auto before = AllowedCpus();
  for (unsigned cpu : {65'000u, 65'536u, 0x7fffffffu, ~0u})
    expect.That(!executeCpuidOn(cpu, 0, 0), "no CPU of this machine");
  expect.That(AllowedCpus() == before, "the thread may run where it might before");
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::FieldsAreCountedBehindTheName(expect);
  cpugate::TasksAreFound(expect);
  cpugate::TasksThatAreGoneAreNowhere(expect);
  cpugate::StatusTellsOfSignals(expect);
  cpugate::EveryAllowedCpuExecutes(expect);
  cpugate::OtherCpusDont(expect);
  return expect.Conclude();
}
