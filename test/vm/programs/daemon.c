/* Double fork, new session, the parent gone: still under the mask, and over when it is over. */
#include "check.h"

int main(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    REQUIRE(setsid() > 0);
    if (fork() != 0) _exit(0);
    usleep(50000);
    const char seen = (char)look();
    _exit(write(ends[1], &seen, 1) == 1 ? 0 : 1);
  }
  REQUIRE_EXIT(child, 0);
  char seen = 9;
  REQUIRE_EQUAL(read(ends[0], &seen, 1), 1);
  REQUIRE_EQUAL(seen, expected);
  return 0;
}
