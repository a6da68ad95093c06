/* churn N: children are killed at any moment of their start, their execs and their CPUIDs. */
#include <spawn.h>
#include <time.h>

#include "check.h"

extern char** environ;

int main(int argc, char** argv) {
  if (argc > 2) {
    REQUIRE_SIGHT("a child's program");
    execv(argv[0], argv);
    _exit(1);
  }
  unsigned int random = 12345;
  for (int i = 0; i < atoi(argv[1]); i++) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      char* const again[] = {argv[0], "0", "again", NULL};
      execv(argv[0], again);
      _exit(1);
    }
    random = random * 1103515245 + 12345;
    usleep((random >> 16) % 30000);
    REQUIRE(kill(child, SIGKILL) == 0);
    REQUIRE_KILLED(child, SIGKILL);
  }
  REQUIRE_SIGHT("the parent");
  return 0;
}
