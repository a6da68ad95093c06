/*
 * A SIGSEGV that was sent to this very thread, blocked, waits: the kernel won't queue a second one
 * for a CPUID that faults then, it lets the first one out. It still is to wait.
 */
#include "signals.h"

static volatile int calls;
static siginfo_t last;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  last = *info;
  calls++;
}

int main(void) {
  handle(SIGSEGV, handler, 0);
  block(SIGSEGV);
  REQUIRE(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSEGV) == 0);
  for (int i = 0; i < 3; i++) {
    REQUIRE_SIGHT("one pending for the thread");
    REQUIRE_EQUAL(is_blocked(SIGSEGV), 1);
    REQUIRE_EQUAL(is_pending(SIGSEGV), 1);
    require_handled(SIGSEGV, handler, 0);
    REQUIRE_EQUAL(calls, 0);
  }
  unblock(SIGSEGV);
  REQUIRE_EQUAL(calls, 1);
  REQUIRE_EQUAL(last.si_code, SI_TKILL);
  REQUIRE_EQUAL(last.si_pid, getpid());
  return 0;
}
