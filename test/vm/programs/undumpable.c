/* A process that nobody may look into (ssh-agent, gpg): memory closed to an unprivileged tracer. */
#include <sys/prctl.h>

#include "signals.h"

int main(void) {
  REQUIRE(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
  for (int i = 0; i < 3; i++) {
    REQUIRE_SIGHT("main");
    REQUIRE_EQUAL(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
  }
  const pid_t child = fork();
  if (child == 0) {
    REQUIRE_SIGHT("child");
    __asm__ volatile("hlt");
    _exit(0);
  }
  REQUIRE_KILLED(child, SIGSEGV);
  return 0;
}
