/* A group stop stops every thread, and the continuation continues every one. */
#include <pthread.h>
#include <sys/mman.h>

#include "signals.h"

static volatile uint32_t* counters;

static void* look_always(void* counter) {
  for (;;) {
    REQUIRE_SIGHT("a thread");
    (*(volatile uint32_t*)counter)++;
  }
}

static void require_progress(const uint32_t* before) {
  for (int i = 0; i < 4; i++) {
    for (int tries = 0; counters[i] == before[i] && tries < 2000; tries++) usleep(5000);
    REQUIRE(counters[i] != before[i]);
  }
}

int main(void) {
  counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    for (int i = 0; i < 4; i++)
      REQUIRE(pthread_create(&thread, NULL, look_always, (void*)&counters[i]) == 0);
    pause();
    _exit(1);
  }
  uint32_t before[4] = {0};
  require_progress(before);
  for (int round = 0; round < 5; round++) {
    int status = -1;
    REQUIRE(kill(child, SIGSTOP) == 0);
    REQUIRE_EQUAL(waitpid(child, &status, WUNTRACED), child);
    if (!WIFSTOPPED(status)) fail(__FILE__, __LINE__, "wait status %#x", (unsigned)status);
    usleep(20000);
    memcpy(before, (void*)counters, sizeof before);
    usleep(50000);
    REQUIRE(memcmp(before, (void*)counters, sizeof before) == 0);
    REQUIRE(kill(child, SIGCONT) == 0);
    require_progress(before);
  }
  REQUIRE(kill(child, SIGTERM) == 0);
  REQUIRE_KILLED(child, SIGTERM);
  return 0;
}
