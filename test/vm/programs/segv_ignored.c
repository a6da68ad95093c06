/* SIGSEGV ignored: stays so over CPUID, in children too; a real fault kills nevertheless. */
#include "signals.h"

int main(void) {
  set_disposition(SIGSEGV, SIG_IGN);
  for (int i = 0; i < 5; i++) {
    REQUIRE_SIGHT("main");
    require_disposition(SIGSEGV, SIG_IGN);
    REQUIRE_EQUAL(is_blocked(SIGSEGV), 0);
    REQUIRE(kill(getpid(), SIGSEGV) == 0);
  }
  pid_t child = fork();
  if (child == 0) {
    REQUIRE_SIGHT("child");
    require_disposition(SIGSEGV, SIG_IGN);
    *(volatile int*)8 = 0;
    _exit(0);
  }
  REQUIRE_KILLED(child, SIGSEGV);
  require_disposition(SIGSEGV, SIG_IGN);
  return 0;
}
