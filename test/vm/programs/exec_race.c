/*
 * exec_race N: over and over, a thread executes a program while the leader, whose number it takes over,
 * is at CPUID. What the supervisor does for the one must never be done to the other.
 */
#include <pthread.h>

#include "check.h"

static char* self;
static char left[16];

static void* replace(void* nothing) {
  (void)nothing;
  execl(self, self, left, NULL);
  fail(__FILE__, __LINE__, "exec failed");
}

int main(int argc, char** argv) {
  REQUIRE(argc > 1);
  REQUIRE_SIGHT("main");
  const int count = atoi(argv[1]);
  if (count == 0) return 0;
  self = argv[0];
  snprintf(left, sizeof left, "%d", count - 1);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, replace, NULL) == 0);
  for (;;) REQUIRE_SIGHT("the leader");
}
