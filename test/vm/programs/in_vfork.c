/*
 * in_vfork FILE: is nearly always held by a child of vfork, which lives on for a while before it executes
 * a program. Writes "ready" to FILE from within the first.
 */
#include <fcntl.h>
#include <time.h>

#include "check.h"

int main(int argc, char** argv) {
  if (argc == 1) return 0;
  const int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0);
  char* const once[] = {argv[0], NULL};
  for (;;) {
    const pid_t child = vfork();
    if (child == 0) {
      const struct timespec while_ = {0, 400000000};
      if (write(file, "ready\n", 6) != 6 || nanosleep(&while_, NULL) != 0) _exit(1);
      execv(argv[0], once);
      _exit(1);
    }
    REQUIRE_EXIT(child, 0);
  }
}
