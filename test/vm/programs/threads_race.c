/* Threads begin and end while others are at CPUID. */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

static atomic_int ended;

static void* look_briefly(void* nothing) {
  REQUIRE_SIGHT("a new thread");
  return nothing;
}

static void* look_always(void* nothing) {
  while (!atomic_load(&ended)) REQUIRE_SIGHT("a thread");
  return nothing;
}

int main(void) {
  pthread_t lookers[3], thread;
  for (int i = 0; i < 3; i++) REQUIRE(pthread_create(&lookers[i], NULL, look_always, NULL) == 0);
  for (int i = 0; i < 60; i++) {
    REQUIRE(pthread_create(&thread, NULL, look_briefly, NULL) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
  }
  atomic_store(&ended, 1);
  for (int i = 0; i < 3; i++) REQUIRE(pthread_join(lookers[i], NULL) == 0);
  return 0;
}
