/*
 * What the kernel refuses to clone3, with its own errors (kernel/fork.c), and what it does that clone
 * can't. Programs that are told ENOSYS believe that there is no clone3.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "signals.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
/* Of no kernel so far. */
#define UNKNOWN_FLAG (1ULL << 60)

struct arguments {
  uint64_t flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls, setTid, setTidSize, cgroup;
};
#define VERSION_0 64
#define VERSION_1 80
#define VERSION_2 88

static char* place;
#define NOWHERE 0x10

static const struct {
  const char* name;
  struct arguments arguments;
  int error;
} kRefused[] = {
    {"a signal that isn't one", {.exitSignal = 100}, EINVAL},
    {"a signal behind the last", {.exitSignal = 65}, EINVAL},
    {"a signal of more than a byte", {.exitSignal = 0x100 | SIGCHLD}, EINVAL},
    {"a signal of more than a word", {.exitSignal = 1ull << 32 | SIGCHLD}, EINVAL},
    {"a signal among the flags", {.flags = SIGCHLD}, EINVAL},
    {"an unknown flag", {.flags = UNKNOWN_FLAG, .exitSignal = SIGCHLD}, EINVAL},
    {"detached", {.flags = 0x00400000, .exitSignal = SIGCHLD}, EINVAL},
    {"a thread with a signal", {.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, .exitSignal = SIGCHLD}, EINVAL},
    {"a sibling with a signal", {.flags = CLONE_PARENT, .exitSignal = SIGCHLD}, EINVAL},
    {"a thread without handlers", {.flags = CLONE_THREAD | CLONE_VM}, EINVAL},
    {"handlers without memory", {.flags = CLONE_SIGHAND, .exitSignal = SIGCHLD}, EINVAL},
    {"handlers shared and cleared",
     {.flags = CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND, .exitSignal = SIGCHLD},
     EINVAL},
    {"a stack without size", {.stack = 0x10000, .exitSignal = SIGCHLD}, EINVAL},
    {"a size without stack", {.stackSize = 0x10000, .exitSignal = SIGCHLD}, EINVAL},
    {"a stack of the kernel", {.stack = 0xffff800000000000, .stackSize = 4096, .exitSignal = SIGCHLD}, EINVAL},
    {"mounts of its own and shared", {.flags = CLONE_NEWNS | CLONE_FS, .exitSignal = SIGCHLD}, EINVAL},
    {"users of its own, folder shared", {.flags = CLONE_NEWUSER | CLONE_FS, .exitSignal = SIGCHLD}, EINVAL},
    {"a thread with users of its own",
     {.flags = CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM},
     EINVAL},
    {"a thread with processes of its own",
     {.flags = CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM},
     EINVAL},
    {"both ids in one place",
     {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = 1, .parentTid = 1, .exitSignal = SIGCHLD},
     EINVAL},
    {"a descriptor nowhere", {.flags = CLONE_PIDFD, .pidfd = NOWHERE, .exitSignal = SIGCHLD}, EFAULT},
    {"no ids, but some", {.setTidSize = 1, .exitSignal = SIGCHLD}, EINVAL},
    {"ids, but none", {.setTid = 1, .exitSignal = SIGCHLD}, EINVAL},
    {"too many ids", {.setTid = 1, .setTidSize = 33, .exitSignal = SIGCHLD}, EINVAL},
    {"ids nowhere", {.setTid = NOWHERE, .setTidSize = 1, .exitSignal = SIGCHLD}, EFAULT},
    {"a cgroup that is no file", {.flags = CLONE_INTO_CGROUP, .cgroup = 9999, .exitSignal = SIGCHLD}, EBADF},
    {"a cgroup of more than a number",
     {.flags = CLONE_INTO_CGROUP, .cgroup = 1ull << 32, .exitSignal = SIGCHLD},
     EINVAL},
    {"a cgroup that is another file", {.flags = CLONE_INTO_CGROUP, .cgroup = 2, .exitSignal = SIGCHLD}, EBADF},
};

static long clone3(const void* arguments, size_t size) { return syscall(SYS_clone3, arguments, size); }

static void require_refused(const char* name, const void* arguments, size_t size, int error) {
  errno = 0;
  const pid_t child = (pid_t)clone3(arguments, size);
  if (child == 0) _exit(0);
  if (child > 0 || errno != error)
    fail(__FILE__, __LINE__, "%s: %d, errno %d, not errno %d", name, child, errno, error);
}

static void refused(void) {
  for (size_t i = 0; i < sizeof kRefused / sizeof *kRefused; i++)
    require_refused(kRefused[i].name, &kRefused[i].arguments, VERSION_2, kRefused[i].error);

  struct {
    struct arguments known;
    char rest[4096];
  } longer = {.known.exitSignal = SIGCHLD};
  require_refused("too short", &longer, VERSION_0 - 1, EINVAL);
  require_refused("nothing", &longer, 0, EINVAL);
  require_refused("more than a page", &longer, 4097, E2BIG);
  longer.rest[sizeof longer.rest - sizeof longer.known - 1] = 1;
  require_refused("something in fields that don't exist", &longer, 4096, E2BIG);
  longer.known.flags = CLONE_INTO_CGROUP;
  require_refused("a cgroup in an older structure", &longer, VERSION_1, EINVAL);
  require_refused("nowhere", (void*)NOWHERE, VERSION_2, EFAULT);
  require_refused("across the end", place + 4096 - VERSION_1, VERSION_2, EFAULT);

  pid_t ids[] = {getpid(), 1};
  struct arguments chosen = {.setTid = (uintptr_t)ids, .setTidSize = 1, .exitSignal = SIGCHLD};
  const int privileged = geteuid() == 0;
  require_refused("an id in use", &chosen, VERSION_2, privileged ? EEXIST : EPERM);
  ids[0] = 0;
  require_refused("id 0", &chosen, VERSION_2, EINVAL);
  ids[0] = 0x7fffffff;
  require_refused("an id above all", &chosen, VERSION_2, EINVAL);
  if (!privileged) {
    const struct arguments processes = {.flags = CLONE_NEWPID, .exitSignal = SIGCHLD};
    require_refused("processes of its own, without privileges", &processes, VERSION_2, EPERM);
  }
  REQUIRE_SIGHT("who was refused");
}

static void on_signal(int signal) { (void)signal; }

/* Exit 7, or what is wrong. */
static void be_child(const struct arguments* arguments) {
  if (look() != expected) _exit(1);
  if (arguments->flags & CLONE_CLEAR_SIGHAND) {
    struct sigaction action;
    const int cleared[] = {SIGUSR1, SIGSEGV};
    for (int i = 0; i < 2; i++)
      if (sigaction(cleared[i], NULL, &action) != 0 || action.sa_handler != SIG_DFL) _exit(2);
    if (sigaction(SIGUSR2, NULL, &action) != 0 || action.sa_handler != SIG_IGN) _exit(3);
  }
  if (look() != expected) _exit(4);
  _exit(7);
}

static void done(const char* name, struct arguments arguments) {
  int descriptor = -1;
  pid_t parentTid = -1, childTid = -1;
  arguments.exitSignal = SIGCHLD;
  arguments.pidfd = arguments.flags & CLONE_PIDFD ? (uintptr_t)&descriptor : 0;
  arguments.parentTid = arguments.flags & CLONE_PARENT_SETTID ? (uintptr_t)&parentTid : 0;
  arguments.childTid = arguments.flags & CLONE_CHILD_SETTID ? (uintptr_t)&childTid : 0;
  const pid_t child = (pid_t)clone3(&arguments, VERSION_2);
  if (child == 0) {
    if (arguments.flags & CLONE_CHILD_SETTID && childTid != getpid()) _exit(5);
    if (arguments.setTid != 0 && *(pid_t*)(uintptr_t)arguments.setTid != getpid()) _exit(6);
    be_child(&arguments);
  }
  if (child < 0) fail(__FILE__, __LINE__, "%s: errno %d", name, errno);
  if (arguments.flags & CLONE_PARENT_SETTID) REQUIRE_EQUAL(parentTid, child);
  if (arguments.flags & CLONE_PIDFD) {
    struct pollfd ends = {descriptor, POLLIN, 0};
    REQUIRE_EQUAL(poll(&ends, 1, 20000), 1);
    REQUIRE_EQUAL(fcntl(descriptor, F_GETFD), FD_CLOEXEC);
    REQUIRE(close(descriptor) == 0);
  }
  int status = -1;
  REQUIRE_EQUAL(waitpid(child, &status, 0), child);
  if (status != 7 << 8) fail(__FILE__, __LINE__, "%s: wait status %#x", name, (unsigned)status);
}

/* A cgroup v2 folder below ours, if we may make one. */
static void into_cgroup(void) {
  const char* const folder = "/sys/fs/cgroup/cpugate-clone3";
  if (access("/sys/fs/cgroup/cgroup.procs", F_OK) != 0 || (mkdir(folder, 0700) != 0 && errno != EEXIST)) return;
  const int cgroup = open(folder, O_PATH | O_DIRECTORY);
  REQUIRE(cgroup >= 0);
  int descriptor = -1;
  const struct arguments asked = {.flags = CLONE_INTO_CGROUP | CLONE_PIDFD, .pidfd = (uintptr_t)&descriptor,
                                  .exitSignal = SIGCHLD, .cgroup = (uint64_t)cgroup};
  const pid_t child = (pid_t)clone3(&asked, VERSION_2);
  if (child == 0) {
    char text[256];
    const int file = open("/proc/self/cgroup", O_RDONLY);
    const ssize_t length = read(file, text, sizeof text - 1);
    text[length > 0 ? length : 0] = 0;
    if (strstr(text, "/cpugate-clone3\n") == NULL) _exit(2);
    be_child(&asked);
  }
  REQUIRE(child > 0 && descriptor >= 0);
  REQUIRE_EXIT(child, 7);
  close(cgroup);
  for (int tries = 0; rmdir(folder) != 0 && tries < 100; tries++) usleep(10000);
}

/* A child that a tracer isn't told of sees no more than others: it dies at CPUID, or can't execute a program. */
static void untraced(uint64_t more) {
  const struct arguments arguments = {.flags = CLONE_UNTRACED | more, .exitSignal = SIGCHLD};
  for (int executes = 0; executes < 2; executes++) {
    const pid_t child = (pid_t)clone3(&arguments, VERSION_0);
    if (child == 0) {
      if (executes) {
        execl("/proc/self/exe", "clone3_errors", "look", NULL);
        _exit(expected == MASKED && errno == ENOSYS ? 7 : 2);
      }
      _exit(look() == expected ? 7 : 1);
    }
    REQUIRE(child > 0);
    int status = -1;
    REQUIRE_EQUAL(waitpid(child, &status, __WALL), child);
    const int died = expected == MASKED && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
    if (status != 7 << 8 && !died)
      fail(__FILE__, __LINE__, "untraced, %s: wait status %#x", executes ? "a program" : "a child", (unsigned)status);
  }
}

int main(int argc, char** argv) {
  if (argc > 1) return strcmp(argv[1], "look") == 0 && look() == expected ? 7 : 1;
  place = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(place != MAP_FAILED && munmap(place + 4096, 4096) == 0);
  const struct arguments none = {.exitSignal = 100};
  if (clone3(&none, VERSION_0) < 0 && errno == ENOSYS && expected == BARE) return NOT_HERE;
  refused();

  signal(SIGUSR1, on_signal);
  signal(SIGSEGV, on_signal);
  signal(SIGUSR2, SIG_IGN);
  done("descriptor and id", (struct arguments){.flags = CLONE_PIDFD | CLONE_PARENT_SETTID});
  done("descriptor and both ids", (struct arguments){.flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID});
  done("default handlers", (struct arguments){.flags = CLONE_CLEAR_SIGHAND});
  done("default handlers, descriptor, id, memory until it ends",
       (struct arguments){.flags = CLONE_CLEAR_SIGHAND | CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_VFORK});
  if (geteuid() == 0) {
    pid_t chosen = 31998;
    while (kill(chosen, 0) == 0) chosen--;
    done("chosen id", (struct arguments){.setTid = (uintptr_t)&chosen, .setTidSize = 1});
    into_cgroup();
  }
  struct sigaction action;
  REQUIRE(sigaction(SIGSEGV, NULL, &action) == 0 && action.sa_handler == on_signal);
  signal(SIGSEGV, SIG_DFL);
  untraced(0);
  untraced(CLONE_VFORK);
  REQUIRE_SIGHT("the parent");
  return 0;
}
