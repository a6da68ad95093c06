/* exec by a thread that isn't the leader, while the others, the leader among them, are at CPUID. */
#include <pthread.h>

#include "check.h"

static void* spin(void* nothing) {
  (void)nothing;
  for (;;) REQUIRE_SIGHT("a spinning thread");
}

static void* replace(void* self) {
  char* argv[] = {self, "again", NULL};
  const struct timespec moment = {0, 20000000};
  nanosleep(&moment, NULL);
  execv(self, argv);
  fail(__FILE__, __LINE__, "exec failed");
}

int main(int argc, char** argv) {
  REQUIRE_SIGHT("main");
  /* The thread that exec'd takes the leader's id. */
  REQUIRE_EQUAL(getpid(), syscall(SYS_gettid));
  char* pid = getenv("PID");
  if (argc > 1) {
    REQUIRE(pid != NULL);
    REQUIRE_EQUAL(getpid(), atoi(pid));
    return 0;
  }
  char text[16];
  snprintf(text, sizeof text, "%d", getpid());
  setenv("PID", text, 1);
  pthread_t thread;
  for (int i = 0; i < 4; i++) REQUIRE(pthread_create(&thread, NULL, spin, NULL) == 0);
  REQUIRE(pthread_create(&thread, NULL, replace, argv[0]) == 0);
  spin(NULL);
}
