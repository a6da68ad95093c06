#include "waits.h"

#include <errno.h>
#include <immintrin.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

namespace cpugate {

namespace {

using Clock = std::chrono::steady_clock;

/** As long as a sleeper on another CPU of a virtual machine takes to wake. */
constexpr std::chrono::microseconds kLook{50};

/** With one CPU for all, looking would only keep the thread from it. */
bool mayUseSeveralCpus() {
  cpu_set_t cpus;
  // More CPUs than the set has room for: several.
  return sched_getaffinity(0, sizeof cpus, &cpus) != 0 || CPU_COUNT(&cpus) > 1;
}

/** waitpid without the C library's care for threads that are cancelled meanwhile. */
pid_t waitWith(pid_t whom, int* status, int flags) {
  return static_cast<pid_t>(syscall(SYS_wait4, whom, status, __WALL | flags, nullptr));
}

}  // namespace

pid_t lookFor(pid_t whom, int* status) { return waitWith(whom, status, WNOHANG); }

pid_t waitUntil(pid_t whom, int* status) {
  static const bool several = mayUseSeveralCpus();
  static Worth worth;
  if (several && worth.isWorthALook()) {
    pid_t tid;
    const auto last = Clock::now() + kLook;
    while ((tid = lookFor(whom, status)) == 0 && Clock::now() < last) _mm_pause();
    worth.add(tid != 0);
    if (tid != 0) return tid;
  }
  return waitWith(whom, status, 0);
}

bool waitFor(pid_t tid, int* status) {
  for (;;) {
    const pid_t got = waitUntil(tid, status);
    if (got == tid) return true;
    if (got < 0 && errno != EINTR) return false;
  }
}

}  // namespace cpugate
