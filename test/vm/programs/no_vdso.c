/*
 * no_vdso FILE: unmaps its vDSO and what that reads, as programs do that hide from its clock; writes "ready"
 * to FILE. Half of its time it waits in a system call.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "check.h"

int main(int argc, char** argv) {
  REQUIRE(argc == 2);
  FILE* const maps = fopen("/proc/self/maps", "re");
  REQUIRE(maps != NULL);
  struct {
    unsigned long from, to;
  } found[8];
  int count = 0;
  char line[512];
  while (fgets(line, sizeof line, maps) != NULL && count < 8)
    if ((strstr(line, "[vdso]") != NULL || strstr(line, "[vvar") != NULL) &&
        sscanf(line, "%lx-%lx", &found[count].from, &found[count].to) == 2)
      ++count;
  fclose(maps);
  REQUIRE(count > 0);
  for (int place = 0; place < count; ++place)
    REQUIRE(munmap((void*)found[place].from, found[place].to - found[place].from) == 0);
  const int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0 && write(file, "ready\n", 6) == 6);
  for (;;) {
    const struct timespec while_ = {0, 20000000};
    for (volatile int busy = 0; busy < 5000000; ++busy) continue;
    nanosleep(&while_, NULL);
    REQUIRE(look() != BARE);
  }
}
