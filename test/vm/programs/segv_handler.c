/* A handler for SIGSEGV doesn't hear of CPUID, and hears of everything else, as ever. */
#include <setjmp.h>

#include "signals.h"

static sigjmp_buf back;
static volatile int calls;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info, (void)context;
  calls++;
  siglongjmp(back, 1);
}

int main(void) {
  handle(SIGSEGV, handler, SA_RESTART);
  for (int i = 1; i <= 3; i++) {
    REQUIRE_SIGHT("main");
    REQUIRE_EQUAL(calls, i - 1);
    require_handled(SIGSEGV, handler, SA_RESTART);
    REQUIRE_EQUAL(is_blocked(SIGSEGV), 0);
    if (sigsetjmp(back, 1) == 0) *(volatile int*)8 = 0;
    REQUIRE_EQUAL(calls, i);
  }
  if (sigsetjmp(back, 1) == 0) raise(SIGSEGV);
  REQUIRE_EQUAL(calls, 4);
  return 0;
}
