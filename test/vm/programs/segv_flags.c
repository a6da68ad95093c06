/* SA_RESETHAND isn't used up by CPUID; inside handlers, with and without SA_NODEFER, it answers. */
#include <setjmp.h>

#include "signals.h"

static sigjmp_buf back;
static volatile int calls;
static volatile int nodefer;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info, (void)context;
  calls++;
  const int blocked = is_blocked(SIGSEGV);
  REQUIRE_EQUAL(blocked, !nodefer);
  for (int i = 0; i < 3; i++) {
    REQUIRE_SIGHT("a handler");
    REQUIRE_EQUAL(is_blocked(SIGSEGV), blocked);
  }
  siglongjmp(back, 1);
}

static void try_flags(int flags) {
  calls = 0;
  nodefer = (flags & SA_NODEFER) != 0;
  handle(SIGSEGV, handler, flags);
  for (int i = 0; i < 3; i++) REQUIRE_SIGHT("main");
  require_handled(SIGSEGV, handler, flags);
  REQUIRE_EQUAL(calls, 0);
  if (sigsetjmp(back, 1) == 0) *(volatile int*)8 = 0;
  REQUIRE_EQUAL(calls, 1);
  REQUIRE_EQUAL(is_blocked(SIGSEGV), 0);
  if ((unsigned int)flags & SA_RESETHAND) {
    REQUIRE_SIGHT("main");
    require_disposition(SIGSEGV, SIG_DFL);
  } else {
    require_handled(SIGSEGV, handler, flags);
  }
}

int main(void) {
  try_flags(0);
  try_flags(SA_NODEFER);
  try_flags((int)SA_RESETHAND);
  try_flags((int)SA_RESETHAND | SA_NODEFER);
  return 0;
}
