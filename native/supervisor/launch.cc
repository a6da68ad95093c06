#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "complain.h"
#include "guard.h"
#include "printable.h"
#include "remote.h"
#include "scoped_fd.h"

namespace cpugate {

namespace {

/** What the child tells of a program that couldn't be executed. */
struct Failure {
  int step;  // 1: the guard, 2: exec
  int error;
};

[[noreturn]] void becomeProgram(int gate, int report, char* const* command, bool watchesCode) {
  char byte;
  // A gate that closes unopened: the supervisor couldn't seize.
  if (read(gate, &byte, 1) != 1) _exit(kSupervisorFailed);
  Failure failure{1, installGuard(watchesCode)};
  if (failure.error == 0) {
    execvp(command[0], command);
    failure = {2, errno};
  }
  // A report that gets lost is found out by the exit status.
  if (write(report, &failure, sizeof failure) != sizeof failure) _exit(kSupervisorFailed);
  _exit(failure.step == 1         ? kSupervisorFailed
        : failure.error == ENOENT ? kNotFound
                                  : kNotExecutable);
}

}  // namespace

Launch::Launch(char* const* command, bool watchesCode) {
  int gate[2], report[2];
  if (pipe2(gate, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0) {
    complain("pipe: %s", strerror(errno));
    return;
  }
  const pid_t child = fork();
  if (child == 0) {
    close(gate[1]);
    close(report[0]);
    becomeProgram(gate[0], report[1], command, watchesCode);
  }
  close(gate[0]);
  close(report[1]);
  gate_ = gate[1];
  failure_ = report[0];
  if (child < 0) {
    complain("fork: %s", strerror(errno));
    return;
  }
  // Nobody has waited for it yet: the number is its own.
  process_ = ProcessHandle::open(child);
  if (syscall(SYS_ptrace, PTRACE_SEIZE, child, 0, taskOptions(false)) != 0) {
    complain(
        "can't trace its own child: %s\n  ptrace is forbidden here (a container's seccomp profile, "
        "or "
        "kernel.yama.ptrace_scope=3).",
        strerror(errno));
    kill(child, SIGKILL);
    waitpid(child, nullptr, __WALL);
    return;
  }
  pid_ = child;
}

bool Launch::open() const {
  const ScopedFd gate(gate_);
  return write(gate.get(), "", 1) == 1;
}

int Launch::outcome(char* const* command) const {
  Failure failure{};
  const ScopedFd report(failure_);
  if (read(report.get(), &failure, sizeof failure) != sizeof failure) return 0;
  if (failure.step == 1) {
    complain("can't install its seccomp filter: %s", strerror(failure.error));
    return kSupervisorFailed;
  }
  complain("%s: %s", printable(command[0]).c_str(), strerror(failure.error));
  return failure.error == ENOENT ? kNotFound : kNotExecutable;
}

}  // namespace cpugate
