/* SIGSEGV blocked, with a handler: blocked and handled still, and a sent one waits as it did. */
#include <setjmp.h>

#include "signals.h"

static volatile int calls;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info, (void)context;
  calls++;
}

static void look_blocked(const char* who) {
  for (int i = 0; i < 3; i++) {
    REQUIRE_SIGHT(who);
    REQUIRE_EQUAL(is_blocked(SIGSEGV), 1);
    require_handled(SIGSEGV, handler, 0);
    REQUIRE_EQUAL(calls, 0);
  }
}

int main(void) {
  handle(SIGSEGV, handler, 0);
  block(SIGSEGV);
  look_blocked("blocked");
  REQUIRE_EQUAL(is_pending(SIGSEGV), 0);

  REQUIRE(kill(getpid(), SIGSEGV) == 0);
  look_blocked("one pending for the process");
  REQUIRE_EQUAL(is_pending(SIGSEGV), 1);
  unblock(SIGSEGV);
  REQUIRE_EQUAL(calls, 1);
  REQUIRE_EQUAL(is_pending(SIGSEGV), 0);

  /* A real fault with SIGSEGV blocked kills, handler or not. */
  const pid_t child = fork();
  if (child == 0) {
    block(SIGSEGV);
    REQUIRE_SIGHT("child");
    *(volatile int*)8 = 0;
    _exit(0);
  }
  REQUIRE_KILLED(child, SIGSEGV);
  return 0;
}
