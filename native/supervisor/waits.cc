#include "waits.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cpugate {

namespace {

/** waitpid without the C library's care for threads that are cancelled meanwhile. */
pid_t waitWith(pid_t whom, int* status, int flags) {
  return static_cast<pid_t>(syscall(SYS_wait4, whom, status, __WALL | flags, nullptr));
}

}  // namespace

pid_t lookFor(pid_t whom, int* status) { return waitWith(whom, status, WNOHANG); }

pid_t waitUntil(pid_t whom, int* status) { return waitWith(whom, status, 0); }

}  // namespace cpugate
