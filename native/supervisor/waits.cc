#include "waits.h"

#include <immintrin.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

namespace cpugate {

namespace {

/** As long as a sleeper on another CPU of a virtual machine takes to wake. */
constexpr int64_t kLookNanoseconds = 50'000;

int64_t nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

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
    const int64_t last = nanoseconds() + kLookNanoseconds;
    while ((tid = lookFor(whom, status)) == 0 && nanoseconds() < last) _mm_pause();
    worth.add(tid != 0);
    if (tid != 0) return tid;
  }
  return waitWith(whom, status, 0);
}

}  // namespace cpugate
