/* A task that asks to be traced: free to where nobody traces, refused under the supervisor. */
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "check.h"

int main(void) {
  const pid_t child = fork();
  if (child == 0) {
    const long result = ptrace(PTRACE_TRACEME, 0, 0, 0);
    if (expected == BARE && result != 0) _exit(50);
    if (expected == MASKED && (result != -1 || errno != EPERM)) _exit(51);
    _exit(look() == expected ? 7 : 1);
  }
  REQUIRE_EXIT(child, 7);
  /* Tracing a child of one's own. */
  const pid_t other = fork();
  if (other == 0) {
    for (int i = 0; i < 200; i++) {
      if (look() != expected) _exit(1);
      usleep(1000);
    }
    _exit(8);
  }
  usleep(20000);
  const long seized = ptrace(PTRACE_SEIZE, other, 0, 0);
  REQUIRE_EQUAL(seized, expected == BARE ? 0 : -1);
  if (expected == MASKED) REQUIRE_EQUAL(errno, EPERM);
  REQUIRE_EXIT(other, 8);
  REQUIRE_SIGHT("main");
  return 0;
}
