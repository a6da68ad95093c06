/* fork_tree DEPTH FANOUT: every process forks FANOUT more; a leaf that sees wrong fails the root. */
#include "check.h"

static void grow(int depth, int fanout) {
  REQUIRE_SIGHT("a process of the tree");
  if (depth == 0) return;
  pid_t children[8];
  for (int i = 0; i < fanout; i++) {
    children[i] = fork();
    REQUIRE(children[i] >= 0);
    if (children[i] == 0) {
      grow(depth - 1, fanout);
      _exit(0);
    }
  }
  for (int i = 0; i < fanout; i++) REQUIRE_EXIT(children[i], 0);
}

int main(int argc, char** argv) {
  grow(argc > 1 ? atoi(argv[1]) : 3, argc > 2 ? atoi(argv[2]) : 3);
  return 0;
}
