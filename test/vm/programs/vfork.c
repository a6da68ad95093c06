/* vfork: the child looks, in our memory, before it exits or execs; we look when it has gone. */
#include "check.h"

int main(int argc, char** argv) {
  if (argc > 1) {
    REQUIRE_SIGHT("the program after vfork");
    return 5;
  }
  for (int i = 0; i < 10; i++) {
    pid_t child = vfork();
    if (child == 0) _exit(look() == expected ? 4 : 1);
    REQUIRE_SIGHT("the parent");
    REQUIRE_EXIT(child, 4);
    char* const again[] = {argv[0], "again", NULL};
    child = vfork();
    if (child == 0) {
      execv(argv[0], again);
      _exit(1);
    }
    REQUIRE_EXIT(child, 5);
  }
  return 0;
}
