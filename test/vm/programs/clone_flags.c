/* clone with mixes of flags, those that speak of ptrace among them: each child looks. */
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>

#include "check.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static const struct {
  const char* name;
  int flags;
} kMixes[] = {
    {"fork", SIGCHLD},
    {"no signal at its end", 0},
    {"another signal at its end", SIGURG},
    {"vfork", CLONE_VM | CLONE_VFORK | SIGCHLD},
    {"vfork without memory", CLONE_VFORK | SIGCHLD},
    {"memory", CLONE_VM | SIGCHLD},
    {"memory, files, no signal", CLONE_VM | CLONE_FS | CLONE_FILES},
    {"handlers", CLONE_VM | CLONE_SIGHAND | SIGCHLD},
    {"vfork, handlers, no signal", CLONE_VM | CLONE_VFORK | CLONE_SIGHAND},
    {"thread", THREAD},
    {"sibling", CLONE_PARENT | SIGCHLD},
    {"sibling in our memory", CLONE_PARENT | CLONE_VM},
    {"untraced", CLONE_UNTRACED | SIGCHLD},
    {"untraced vfork", CLONE_UNTRACED | CLONE_VM | CLONE_VFORK | SIGCHLD},
    {"untraced thread", CLONE_UNTRACED | THREAD},
    {"untraced sibling", CLONE_UNTRACED | CLONE_PARENT | SIGCHLD},
    {"traced", CLONE_PTRACE | SIGCHLD},
    {"traced thread", CLONE_PTRACE | THREAD},
    {"traced, untraced", CLONE_PTRACE | CLONE_UNTRACED | SIGCHLD},
    {"traced, untraced, vfork", CLONE_PTRACE | CLONE_UNTRACED | CLONE_VM | CLONE_VFORK | SIGCHLD},
    {"input, output", CLONE_IO | SIGCHLD},
};

struct shared {
  volatile int seen;
  volatile int tid;
};
static struct shared* shared;

static int child(void* nothing) {
  (void)nothing;
  enum sight seen = BARE;
  for (int i = 0; i < 5; i++) seen = look();
  shared->seen = (int)seen;
  return 7;
}

static char* stack_top(void) {
  char* stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(stack != MAP_FAILED);
  return stack + 65536;
}

/* In a process of its own, so that a sibling has a parent who waits for it. */
static void try_mix(const char* name, int flags) {
  shared->seen = -1;
  shared->tid = 1;
  int clear = flags & CLONE_VM ? CLONE_CHILD_CLEARTID : 0;
  int tid = 0;
  const pid_t pid = clone(child, stack_top(), flags | clear | CLONE_PARENT_SETTID, NULL, &tid, NULL,
                          &shared->tid);
  if (pid < 0) fail(__FILE__, __LINE__, "%s: errno %d", name, errno);
  if (tid != pid) fail(__FILE__, __LINE__, "%s: told id %d, is %d", name, tid, pid);
  if (flags & CLONE_THREAD) {
    while (shared->tid != 0) syscall(SYS_futex, &shared->tid, FUTEX_WAIT, pid, NULL, NULL, 0);
  } else if (!(flags & CLONE_PARENT)) {
    int status = -1;
    if (waitpid(pid, &status, __WALL) != pid || status != 7 << 8)
      fail(__FILE__, __LINE__, "%s: wait status %#x (errno %d)", name, (unsigned)status, errno);
  } else {
    while (shared->seen == -1) sched_yield();
  }
  if (shared->seen != (int)expected) fail(__FILE__, __LINE__, "%s sees %d", name, shared->seen);
  REQUIRE_SIGHT("the parent");
}

int main(void) {
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  signal(SIGURG, SIG_DFL);
  int failed = 0;
  for (size_t i = 0; i < sizeof kMixes / sizeof *kMixes; i++) {
    const pid_t middle = fork();
    if (middle == 0) {
      try_mix(kMixes[i].name, kMixes[i].flags);
      _exit(0);
    }
    int status = -1;
    REQUIRE_EQUAL(waitpid(middle, &status, 0), middle);
    if (status != 0) {
      dprintf(2, "%s: wait status %#x\n", kMixes[i].name, (unsigned)status);
      failed = 1;
    }
    while (waitpid(-1, &status, __WALL) > 0)
      if (status != 7 << 8) {
        dprintf(2, "%s: sibling's wait status %#x\n", kMixes[i].name, (unsigned)status);
        failed = 1;
      }
  }
  return failed;
}
