/*
 * waking FILE: a timer continues this process whenever it is stopped. Writes "ready" to FILE, later "CPU"
 * when it sees what it shall not.
 */
#include <fcntl.h>
#include <time.h>

#include "check.h"

int main(int argc, char** argv) {
  REQUIRE(argc == 2);
  const int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};
  const struct itimerspec often = {{0, 1000000}, {0, 1000000}};
  timer_t timer;
  REQUIRE(file >= 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  REQUIRE(timer_settime(timer, 0, &often, NULL) == 0);
  REQUIRE(write(file, "ready\n", 6) == 6);
  for (;;)
    if (look() == BARE) {
      REQUIRE(write(file, "CPU\n", 4) == 4);
      pause();
    }
}
