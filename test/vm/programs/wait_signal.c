/* wait_signal SIGNAL EXIT: says "ready", ends with EXIT when SIGNAL comes, with 9 when it doesn't. */
#include "signals.h"

int main(int argc, char** argv) {
  (void)argc;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, atoi(argv[1]));
  REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  REQUIRE(write(1, "ready\n", 6) == 6);
  const struct timespec time = {20, 0};
  for (;;) {
    const int got = sigtimedwait(&set, NULL, &time);
    if (got < 0 && errno == EINTR) continue;
    REQUIRE_SIGHT("main");
    return got < 0 ? 9 : atoi(argv[2]);
  }
}
