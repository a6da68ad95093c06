/* SIGSEGV ignored and blocked are inherited over exec, where ld.so's CPUIDs come first of all. */
#include "signals.h"

int main(int argc, char** argv) {
  if (argc > 1) {
    REQUIRE_SIGHT("the program");
    if (strchr(argv[1], 'i')) require_disposition(SIGSEGV, SIG_IGN);
    if (!strchr(argv[1], 'i')) require_disposition(SIGSEGV, SIG_DFL);
    REQUIRE_EQUAL(is_blocked(SIGSEGV), strchr(argv[1], 'b') != NULL);
    return 0;
  }
  char* const ways[] = {"i", "b", "ib"};
  for (int i = 0; i < 3; i++) {
    const pid_t child = fork();
    if (child == 0) {
      if (strchr(ways[i], 'i')) set_disposition(SIGSEGV, SIG_IGN);
      if (strchr(ways[i], 'b')) block(SIGSEGV);
      char* const again[] = {argv[0], ways[i], NULL};
      execv(argv[0], again);
      _exit(99);
    }
    REQUIRE_EXIT(child, 0);
  }
  return 0;
}
