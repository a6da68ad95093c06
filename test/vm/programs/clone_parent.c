/* A child beside us whose parent is ours, the supervisor itself maybe: it outlives us by a moment. */
#include <sched.h>
#include <sys/mman.h>

#include "check.h"

static int sibling(void* nothing) {
  (void)nothing;
  usleep(100000);
  return look() == expected ? 9 : 1;
}

int main(void) {
  char* stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(stack != MAP_FAILED);
  REQUIRE(clone(sibling, stack + 65536, CLONE_PARENT | SIGCHLD, NULL) > 0);
  REQUIRE_SIGHT("main");
  return 3;
}
