#include "child.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace cpugate {
namespace {

/** The report's page, unmapped by scope. */
class SharedReport {
 public:
  SharedReport() {
    void* memory = mmap(nullptr, sizeof(ChildReport), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) report_ = new (memory) ChildReport{};
  }
  ~SharedReport() {
    if (report_ != nullptr) munmap(report_, sizeof(ChildReport));
  }
  SharedReport(const SharedReport&) = delete;
  SharedReport& operator=(const SharedReport&) = delete;

  ChildReport* get() const { return report_; }

 private:
  ChildReport* report_ = nullptr;
};

/**
 * Keeps signals from the calling thread, and so from a child that it forks: a handler of Node's
 * that ran there would write into a pipe that the child shares with its parent. On Linux
 * sigprocmask acts on the calling thread.
 */
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

[[noreturn]] void actAsChild(void (*body)(ChildReport&), ChildReport& report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);  // Dying is one of the answers, not worth a core file.
  body(report);
  _exit(0);
}

ChildOutcome describe(int status) {
  if (WIFSIGNALED(status)) return {.end = ChildEnd::kKilled, .number = WTERMSIG(status)};
  return {.end = ChildEnd::kExited, .number = WEXITSTATUS(status)};
}

/** What std::chrono::steady_clock gives, without the C++ library's binary. */
std::chrono::nanoseconds monotonicNow() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

ChildOutcome waitFor(pid_t child, std::chrono::milliseconds limit) {
  const auto deadline = monotonicNow() + limit;
  int status = 0;
  for (;;) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return describe(status);
    if (ended < 0 && errno != EINTR) return {.end = ChildEnd::kUnknown, .number = errno};
    if (monotonicNow() >= deadline) break;
    const timespec pause = {.tv_sec = 0, .tv_nsec = 200'000};
    nanosleep(&pause, nullptr);
  }
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {.end = ChildEnd::kTimeout};
}

}  // namespace

ChildOutcome runInChild(void (*body)(ChildReport&), std::chrono::milliseconds limit) {
  const SharedReport report;
  if (report.get() == nullptr) return {.end = ChildEnd::kNoChild, .number = errno};
  pid_t child = -1;
  int error = 0;
  {
    const SignalsBlocked blocked;
    child = fork();
    error = errno;
    if (child == 0) actAsChild(body, *report.get());
  }
  if (child < 0) return {.end = ChildEnd::kNoChild, .number = error};
  ChildOutcome outcome = waitFor(child, limit);
  outcome.stage = report.get()->stage;
  outcome.error = report.get()->error;
  outcome.code = report.get()->code;
  return outcome;
}

}  // namespace cpugate
