/*
 * seccomp ACTION [PROGRAM [ARGUMENT...]]: a filter of the program's own, which stays over exec.
 *   errno, trap, kill    on arch_prctl's CPUID codes
 *   errno-all, kill-all  on arch_prctl
 *   few                  kills on all but write, sigprocmask, exit
 *   strict               the kernel's oldest kind
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "signals.h"

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#define ARCH_PRCTL 158
#else
#define ARCH AUDIT_ARCH_I386
#define ARCH_PRCTL 384
#endif

static void install(struct sock_filter* filter, size_t count) {
  const struct sock_fprog program = {.len = (unsigned short)count, .filter = filter};
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static void forbid_cpuid_codes(uint32_t action) {
  struct sock_filter filter[] = {
      LOAD(arch), IF(ARCH, 0, 5), LOAD(nr), IF(ARCH_PRCTL, 0, 3), LOAD(args[0]), IF(0x1011, 2, 0),
      IF(0x1012, 1, 0), RETURN(SECCOMP_RET_ALLOW), RETURN(action)};
  install(filter, sizeof filter / sizeof *filter);
}

static void forbid_arch_prctl(uint32_t action) {
  struct sock_filter filter[] = {LOAD(arch), IF(ARCH, 0, 2), LOAD(nr), IF(ARCH_PRCTL, 1, 0),
                                 RETURN(SECCOMP_RET_ALLOW), RETURN(action)};
  install(filter, sizeof filter / sizeof *filter);
}

static void allow_few(void) {
  struct sock_filter filter[] = {LOAD(nr), IF(SYS_write, 3, 0), IF(SYS_exit_group, 2, 0),
                                 IF(SYS_rt_sigprocmask, 1, 0), RETURN(SECCOMP_RET_KILL_PROCESS),
                                 RETURN(SECCOMP_RET_ALLOW)};
  install(filter, sizeof filter / sizeof *filter);
}

static void* look_in_thread(void* nothing) {
  REQUIRE_SIGHT("a thread");
  return nothing;
}

static volatile int calls;
static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info, (void)context;
  calls++;
}

/* In a child: these end by a system call that the C library wouldn't make alone. */
static void try_strict(void) {
  REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
  const int right = look() == expected && look() == expected;
  syscall(SYS_exit, right ? 7 : 1);
}

/* Blocked and handled: what a supervisor may have to mend with system calls that are forbidden. */
static void try_few(void) {
  handle(SIGSEGV, handler, 0);
  block(SIGSEGV);
  allow_few();
  if (look() != expected || look() != expected) _exit(1);
  sigset_t set;
  if (sigprocmask(SIG_SETMASK, NULL, &set) != 0 || !sigismember(&set, SIGSEGV)) _exit(2);
  _exit(calls == 0 ? 7 : 3);
}

int main(int argc, char** argv) {
  const char* action = argv[1];
  if (!strcmp(action, "strict") || !strcmp(action, "few")) {
    const pid_t child = fork();
    if (child == 0) {
      if (*action == 's') try_strict();
      try_few();
    }
    REQUIRE_EXIT(child, 7);
    return 0;
  }
  const uint32_t value = strncmp(action, "errno", 5) == 0 ? SECCOMP_RET_ERRNO | EPERM
                         : strcmp(action, "trap") == 0    ? SECCOMP_RET_TRAP
                                                          : SECCOMP_RET_KILL_PROCESS;
  if (strstr(action, "-all"))
    forbid_arch_prctl(value);
  else
    forbid_cpuid_codes(value);
  REQUIRE_SIGHT("main");
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, look_in_thread, NULL) == 0);
  REQUIRE(pthread_join(thread, NULL) == 0);
  const pid_t child = fork();
  if (child == 0) {
    REQUIRE_SIGHT("child");
    _exit(0);
  }
  REQUIRE_EXIT(child, 0);
  if (argc == 2) return 0;
  execv(argv[2], argv + 2);
  fail(__FILE__, __LINE__, "exec failed");
}
