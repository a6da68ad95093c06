// What a supervisor refuses before it holds anything, its pid file, and the signals that it gets.
// Built and run by test/native/control.test.ts.
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <vector>

#include "../probe/expect.h"
#include "control_test.h"
#include "pid_file.h"
#include "processes.h"
#include "refusals.h"
#include "signals.h"
#include "task_status.h"

namespace cpugate {
namespace {

bool holds(const std::optional<std::string>& text, const std::string& part) {
  return text && text->find(part) != std::string::npos;
}

std::string contentOf(const std::string& path) {
  char text[64];
  const ScopedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t got = file.isOpen() ? read(file.get(), text, sizeof text) : -1;
  return got < 0 ? "nothing" : std::string(text, static_cast<size_t>(got));
}

std::string about(const std::string& path, const std::string& error) { return path + ": " + error; }

void pidFilesReplaceNothingElse(Expectations& expect) {
  const std::string folder = newFolder();
  const std::string regular = folder + "/regular";
  close(open(regular.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const std::string link = folder + "/link", pipe = folder + "/pipe", inner = folder + "/inner";
  expect.that(symlink(regular.c_str(), link.c_str()) == 0 && mkfifo(pipe.c_str(), 0600) == 0 &&
                  mkdir(inner.c_str(), 0700) == 0,
              "a link, a pipe, a folder");
  for (const std::string& path : {std::string("/dev/null"), link, pipe, inner, inner + "/",
                                  folder + "/missing/file", std::string("")}) {
    std::string error;
    PidFile file;
    expect.that(!file.prepare(path.c_str(), &error) && error.starts_with("--pid-file "),
                about(path, error));
  }
  struct stat found {};
  expect.that(stat("/dev/null", &found) == 0 && S_ISCHR(found.st_mode),
              "/dev/null is a device still");
  expect.that(lstat(link.c_str(), &found) == 0 && S_ISLNK(found.st_mode), "a link stays one");
  const std::string own = std::to_string(getpid()) + "\n";
  for (const std::string& path : {regular, folder + "/new"}) {
    std::string error;
    PidFile file;
    expect.that(file.prepare(path.c_str(), &error), about(path, error));
    expect.that(contentOf(path) != own, "nothing is there before the tasks are in hand");
    expect.that(file.write(&error) && contentOf(path) == own, "then the number is: " + error);
  }
  {
    std::string error;
    PidFile unused;
    expect.that(unused.prepare((folder + "/unused").c_str(), &error), "one that isn't written");
  }
  expect.that(access((folder + "/unused." + std::to_string(getpid())).c_str(), F_OK) != 0,
              "leaves nothing");
  std::string error;
  PidFile none;
  expect.that(none.prepare(nullptr, &error) && none.write(&error), "none is wanted");
}

void processesThatCantBeHeldAreNamed(Expectations& expect) {
  const auto why = [](pid_t pid) { return whyNotTheseProcesses({pid}); };
  const pid_t sleeper = inChild([] { return pause(); });
  expect.that(!why(sleeper), "a process like any other");
  expect.that(holds(why(getpid()), "is cpugate itself"), "the supervisor itself");
  expect.that(holds(why(getppid()), "cpugate comes of"), "its parent");
  for (const pid_t ancestor : ancestorsOf(getpid()))
    expect.that(holds(why(ancestor), "cpugate comes of"),
                "an ancestor: " + std::to_string(ancestor));
  const pid_t zombie = inChild([] { return 0; });
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(zombie), &info, WEXITED | WNOWAIT);
  expect.that(holds(why(zombie), "has ended"), "a zombie");
  endOf(zombie);
  expect.that(holds(why(zombie), "there is no process"), "one that is gone");
  // The first thread has ended, another one runs.
  const pid_t leaderless = inChild([] {
    pthread_t thread;
    pthread_create(
        &thread, nullptr, [](void*) -> void* { return pause(), nullptr; }, nullptr);
    syscall(SYS_exit, 0);
    return 0;
  });
  expect.that(becomes([&] { return TaskStatus(leaderless).state() == 'Z'; }) && !why(leaderless),
              "a process whose first thread has ended");
  // kthreadd, where this PID namespace shows it.
  if (threadsOf(2).size() == 1 && access("/proc/2/exe", F_OK) != 0 && childrenOf(2).size() > 1 &&
      geteuid() == 0)
    expect.that(holds(why(2), "the kernel's own"), "a kernel thread");
  expect.that(isKernelThread(sleeper) == false, "a program is none");
  kill(leaderless, SIGKILL);
  endOf(leaderless);
  kill(sleeper, SIGKILL);
  endOf(sleeper);
  expect.that(!whyNothingCanBeHeld(), "/proc is there");
}

/** cgroup.procs of a folder is what a cgroup shows. */
void cgroupsWithCpugateAreNamed(Expectations& expect) {
  const std::string folder = newFolder();
  const auto shows = [&](pid_t pid) {
    const ScopedFd file(
        open((folder + "/cgroup.procs").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
    const std::string text = std::to_string(pid) + "\n";
    if (write(file.get(), text.data(), text.size()) < 0) _exit(1);
    return whyNotTheseCgroups({folder.c_str()});
  };
  expect.that(holds(whyNotTheseCgroups({folder.c_str()}), "is not a cgroup v2 folder"),
              "an ordinary folder");
  expect.that(holds(shows(getpid()), "holds cpugate itself"), "the supervisor's own cgroup");
  expect.that(holds(shows(getppid()), "holds cpugate itself"), "that of whatever has called it");
  const pid_t sleeper = inChild([] { return pause(); });
  expect.that(!shows(sleeper), "a cgroup of others");
  kill(sleeper, SIGKILL);
  endOf(sleeper);
}

/** A signal that is on its way ends any call that could wait, also one that shall not wait at all.
 */
void signalsEndNobody(Expectations& expect) {
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, &before);
  const ProcessHandle self = ProcessHandle::open(getpid());
  const itimerval often{{0, 20}, {0, 20}}, never{};
  setitimer(ITIMER_REAL, &often, nullptr);
  int missed = 0;
  for (int i = 0; i < 300'000; ++i) missed += self.isAlive() ? 0 : 1;
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  expect.that(missed == 0, "one that lives was said to have ended: " + std::to_string(missed));
}

void handlesAreOfOneProcess(Expectations& expect) {
  const pid_t child = inChild([] { return pause(); });
  const ProcessHandle handle = ProcessHandle::open(child);
  expect.that(handle.isOpen() && handle.isAlive() && handle.hasNumber() && handle.pid() == child,
              "a process that lives");
  expect.that(ProcessHandle::duplicate(handle).pid() == child, "another handle of it");
  const ProcessHandle same = ProcessHandle::fromDescriptor(ScopedFd(dup(handle.descriptor())));
  expect.that(same.isOpen() && same.pid() == child, "by its descriptor alone");
  expect.that(handle.send(SIGKILL), "can be signalled");
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  expect.that(!handle.isAlive() && handle.hasNumber(), "a zombie keeps its number");
  endOf(child);
  expect.that(!handle.isAlive() && !handle.hasNumber() && !handle.send(SIGKILL),
              "what was reaped has none, and gets nothing");
  expect.that(!ProcessHandle::open(child).isOpen(), "nor is there a handle of it");
  expect.that(
      !ProcessHandle::fromDescriptor(ScopedFd(open("/dev/null", O_RDONLY | O_CLOEXEC))).isOpen(),
      "a descriptor of something else");
  expect.that(!ProcessHandle().isOpen() && !ProcessHandle().isAlive() && !ProcessHandle().send(0),
              "none");
}

/** As run and adopt do: a root of one's own, which ends and is waited for. */
void signalsGoToTheRootAndThenToTheRest(Expectations& expect) {
  Shared* shared = newShared();
  const pid_t supervisor = inChild([&] {
    Control control;
    std::string error;
    const pid_t root = inChild([&] {
      signal(SIGUSR1, [](int) {});
      pause();
      shared->asked = 1;
      pause();
      return 0;
    });
    if (!control.start(&error)) return 1;
    passSignalsOn(ProcessHandle::open(root), control);
    shared->child = root;
    while (endOf(root) < 0) continue;
    shared->isReady = 1;
    for (int round = 0;; ++round) {
      sleepFor(1);
      if (!control.wasKnocked()) continue;
      control.serve([](const Request&) { return ""; }, [](uint64_t) {});
      for (const int signal : signalsForTheRest()) shared->lost = signal;
    }
  });
  becomes([&] { return shared->child != 0; });
  sleepFor(50);
  kill(supervisor, SIGUSR1);
  expect.that(becomes([&] { return shared->asked == 1; }), "what pokes is passed on");
  kill(supervisor, SIGTERM);
  expect.that(becomes([&] { return shared->isReady == 1; }), "so is what ends");
  kill(supervisor, SIGUSR1);
  sleepFor(100);
  expect.that(shared->lost == 0, "of what comes later, only what ends");
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    kill(supervisor, signal);
    expect.that(becomes([&] { return shared->lost == signal; }),
                "is for the rest: " + std::to_string(signal));
  }
  expect.that(kill(supervisor, SIGKILL) == 0 && endOf(supervisor) == 128 + SIGKILL,
              "none has ended it");
  munmap(shared, sizeof *shared);
}

/** As attach does. The answer is whether whoever sent the signal is proved an outsider. */
void onlyOutsidersDismiss(Expectations& expect) {
  constexpr int kOutsider = 1, kNobody = 2;
  Shared* shared = newShared();
  const auto start = [&](bool background) {
    shared->isReady = shared->lost = 0;
    const pid_t supervisor = inChild([&] {
      Control control;
      std::string error;
      if (!control.start(&error)) return 1;
      letGoOnSignals(background, control);
      shared->isReady = 1;
      for (;;) {
        sleepFor(1);
        if (!control.wasKnocked()) continue;
        control.serve([](const Request&) { return ""; }, [](uint64_t) {});
        if (const auto dismissal = takeDismissal())
          shared->lost = dismissal->isForeign ||
                                 !whyNoOutsider(dismissal->sender,
                                                [&](pid_t pid) { return pid == shared->child; })
                             ? kOutsider
                             : kNobody;
      }
    });
    becomes([&] { return shared->isReady != 0; });
    return supervisor;
  };
  pid_t supervisor = start(false);
  const auto is = [&](int who) {
    return becomes([&] { return shared->lost != 0; }) && shared->lost.exchange(0) == who;
  };
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    kill(supervisor, signal);
    expect.that(is(kOutsider), "an outsider sends " + std::to_string(signal));
  }
  const pid_t task = inChild([&] {
    shared->child = getpid();
    kill(supervisor, SIGTERM);
    return pause();
  });
  expect.that(is(kNobody), "a task can't have itself let go by a signal");
  kill(task, SIGKILL);
  endOf(task);
  kill(supervisor, SIGSTOP);
  endOf(inChild([&] { return kill(supervisor, SIGTERM); }));
  kill(supervisor, SIGCONT);
  expect.that(is(kNobody), "whoever has ended meanwhile might have been one");
  sigval value{};
  sigqueue(supervisor, SIGTERM, value);
  sleepFor(100);
  expect.that(shared->lost == 0, "a signal whose sender can be made up is none");
  kill(supervisor, SIGKILL);
  endOf(supervisor);
  supervisor = start(true);
  kill(supervisor, SIGHUP);
  sleepFor(100);
  expect.that(shared->lost == 0, "in the background, a hangup changes nothing");
  kill(supervisor, SIGKILL);
  endOf(supervisor);
  munmap(shared, sizeof *shared);
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::pidFilesReplaceNothingElse(expect);
  cpugate::processesThatCantBeHeldAreNamed(expect);
  cpugate::cgroupsWithCpugateAreNamed(expect);
  cpugate::handlesAreOfOneProcess(expect);
  cpugate::signalsEndNobody(expect);
  cpugate::signalsGoToTheRootAndThenToTheRest(expect);
  cpugate::onlyOutsidersDismiss(expect);
  return expect.conclude();
}
