/* Tasks of another PID namespace, its first process among them, where ids aren't the supervisor's. */
#include <sched.h>

#include "signals.h"

static volatile int calls;
static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info, (void)context;
  calls++;
}

static int be_init(void) {
  REQUIRE_EQUAL(getpid(), 1);
  REQUIRE_SIGHT("the first process");
  handle(SIGSEGV, handler, 0);
  block(SIGSEGV);
  REQUIRE_SIGHT("the first process, blocking");
  require_handled(SIGSEGV, handler, 0);
  REQUIRE_EQUAL(is_blocked(SIGSEGV), 1);
  REQUIRE_EQUAL(calls, 0);
  const pid_t child = fork();
  if (child == 0) {
    /* An orphan, which falls to the first process. */
    const pid_t orphan = fork();
    if (orphan != 0) _exit(3);
    usleep(20000);
    _exit(look() == expected ? 4 : 1);
  }
  REQUIRE_EXIT(child, 3);
  int status = -1;
  REQUIRE(wait(&status) > 0);
  REQUIRE_EQUAL(status, 4 << 8);
  /* One that goes when its namespace goes. */
  if (fork() == 0)
    for (;;) REQUIRE_SIGHT("a process whose namespace ends");
  usleep(20000);
  return 5;
}

int main(void) {
  const int flags = geteuid() == 0 ? CLONE_NEWPID : CLONE_NEWPID | CLONE_NEWUSER;
  if (unshare(flags) != 0) return NOT_HERE;
  const pid_t child = fork();
  if (child == 0) _exit(be_init());
  REQUIRE_EXIT(child, 5);
  REQUIRE_SIGHT("main");
  return 0;
}
