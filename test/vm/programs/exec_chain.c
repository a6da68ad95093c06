/* exec_chain N PROGRAM...: the same process is N programs after each other, each a build of this. */
#include "check.h"

int main(int argc, char** argv) {
  const int left = atoi(argv[1]);
  REQUIRE_SIGHT("a program of the chain");
  if (left == 0) return 0;
  char count[16];
  snprintf(count, sizeof count, "%d", left - 1);
  argv[0] = argv[2 + left % (argc - 2)];
  argv[1] = count;
  execv(argv[0], argv);
  fail(__FILE__, __LINE__, "exec of %s failed", argv[0]);
}
