/* clone3, with fields that clone doesn't have. */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>

#include "check.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

static const struct {
  const char* name;
  uint64_t flags, exitSignal, tid;
} kMixes[] = {
    {"fork", 0, SIGCHLD, 0},
    {"no signal at its end", 0, 0, 0},
    {"real-time signal at its end", 0, 40, 0},
    {"descriptor", CLONE_PIDFD, SIGCHLD, 0},
    {"default handlers", CLONE_CLEAR_SIGHAND, SIGCHLD, 0},
    {"vfork", CLONE_VFORK, SIGCHLD, 0},
    {"untraced", CLONE_UNTRACED, SIGCHLD, 0},
    {"untraced, no signal, default handlers", CLONE_UNTRACED | CLONE_CLEAR_SIGHAND, 0, 0},
    {"traced", CLONE_PTRACE, SIGCHLD, 0},
    {"chosen id", 0, SIGCHLD, 31999},
};

int main(void) {
  signal(SIGUSR1, SIG_IGN);
  signal(40, SIG_IGN);
  for (size_t i = 0; i < sizeof kMixes / sizeof *kMixes; i++) {
    int descriptor = -1;
    pid_t tid = (pid_t)kMixes[i].tid;
    struct {
      uint64_t flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls, setTid, setTidSize;
    } arguments = {.flags = kMixes[i].flags, .pidfd = (uintptr_t)&descriptor,
                   .exitSignal = kMixes[i].exitSignal};
    if (tid != 0) {
      arguments.setTid = (uintptr_t)&tid;
      arguments.setTidSize = 1;
    }
    pid_t child;
    /* Somebody else may have that number. */
    do child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    while (child < 0 && tid != 0 && errno == EEXIST && --tid > 20000);
    if (child == 0) _exit(look() == expected && look() == expected ? 7 : 1);
    if (child < 0 && tid != 0 && errno == EPERM) continue;
    /* What clone can't do is not there, as on kernels before 5.3: callers have to fall back. */
    const int newer = tid != 0 || (kMixes[i].flags & CLONE_CLEAR_SIGHAND) != 0;
    if (child < 0 && expected == MASKED && newer && errno == ENOSYS) continue;
    if (child < 0) fail(__FILE__, __LINE__, "%s: errno %d", kMixes[i].name, errno);
    if (tid != 0) REQUIRE_EQUAL(child, tid);
    if (kMixes[i].flags & CLONE_PIDFD) {
      struct pollfd ends = {descriptor, POLLIN, 0};
      REQUIRE_EQUAL(poll(&ends, 1, 20000), 1);
    }
    int status = -1;
    const int ended = waitpid(child, &status, __WALL) == child;
    /* Nobody answers where no tracer is told of: it dies, and has seen nothing. */
    const int untraced = expected == MASKED && (kMixes[i].flags & CLONE_UNTRACED) != 0;
    if (ended && untraced && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) continue;
    if (!ended || status != 7 << 8)
      fail(__FILE__, __LINE__, "%s: wait status %#x (errno %d)", kMixes[i].name, (unsigned)status, errno);
    REQUIRE_SIGHT("the parent");
  }
  return 0;
}
