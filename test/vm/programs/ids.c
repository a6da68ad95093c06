/* ids EFFECTIVE-USER: for a copy that is set-user-id. */
#include "check.h"

int main(int argc, char** argv) {
  REQUIRE_SIGHT("main");
  if (argc > 1) REQUIRE_EQUAL(geteuid(), atoi(argv[1]));
  return 0;
}
