#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace cpugate {

namespace {

constexpr int kEnding[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
constexpr int kPoking[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT};

// Handlers run on the thread that waits, between its instructions.
ProcessHandle root;
Control* poked = nullptr;
/** By number. */
std::atomic<uint64_t> forTheRest{0};
std::atomic<int> dismissal{0};
std::atomic<bool> isForeign{false};
std::atomic<pid_t> dismisserNumber{0};
std::atomic<int> dismisser{-1};

constexpr uint64_t bit(int signal) { return uint64_t{1} << signal; }

void pass(int signal, siginfo_t* info, void*) {
  const int saved = errno;
  if (root.isAlive()) {
    // The terminal's driver sends to the whole foreground group: the program has it already.
    if (info->si_code != SI_KERNEL) root.send(signal);
  } else {
    for (const int ending : kEnding)
      if (signal == ending) forTheRest |= bit(signal);
    poked->poke();
  }
  errno = saved;
}

void dismiss(int signal, siginfo_t* info, void*) {
  const int saved = errno;
  // Only these can't be made up by the sender, who is a task perhaps (rt_sigqueueinfo(2), fcntl(2)
  // F_SETSIG).
  const bool isTrue =
      info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_KERNEL;
  if (isTrue && dismissal == 0) {
    // Whoever has no number here (0) is outside of the PID namespace that all tasks are in.
    isForeign = info->si_code == SI_KERNEL || info->si_pid == 0;
    dismisserNumber = info->si_pid;
    if (!isForeign) dismisser = static_cast<int>(syscall(SYS_pidfd_open, info->si_pid, 0));
    dismissal = signal;
    poked->poke();
  }
  errno = saved;
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {
  }, before{};
  action.sa_sigaction = handler;
  // Waits are interrupted: whoever has sent it may end in a moment, and can't be looked at then.
  action.sa_flags = SA_SIGINFO;
  sigfillset(&action.sa_mask);
  sigaction(signal, nullptr, &before);
  // What the user had ignored (nohup) stays ignored.
  if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
}

}  // namespace

void passSignalsOn(ProcessHandle process, Control& control) {
  root = std::move(process);
  poked = &control;
  for (const int signal : kEnding) handle(signal, pass);
  for (const int signal : kPoking) handle(signal, pass);
}

std::vector<int> signalsForTheRest() {
  const uint64_t came = forTheRest.exchange(0);
  std::vector<int> signals;
  for (const int signal : kEnding)
    if ((came & bit(signal)) != 0) signals.push_back(signal);
  return signals;
}

void letGoOnSignals(bool background, Control& control) {
  poked = &control;
  if (background) signal(SIGHUP, SIG_IGN);
  for (const int signal : kEnding) handle(signal, dismiss);
  // They would end it, and its tasks with it.
  for (const int poking : {SIGUSR1, SIGUSR2, SIGALRM}) signal(poking, SIG_IGN);
}

std::optional<Dismissal> takeDismissal() {
  if (dismissal == 0) return std::nullopt;
  // The next one is taken note of when `dismissal` is 0 again.
  Dismissal taken{dismissal, isForeign, dismisserNumber,
                  ProcessHandle::fromDescriptor(ScopedFd(dismisser.exchange(-1)))};
  dismissal = 0;
  return taken;
}

}  // namespace cpugate
