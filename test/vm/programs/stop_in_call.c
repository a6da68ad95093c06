/* A process stops at SIGSTOP as well while its threads make calls that a supervisor makes anew in their name. */
#include <pthread.h>

#include "signals.h"

static void* set_actions(void* nothing) {
  (void)nothing;
  for (;;) set_disposition(SIGSEGV, SIG_IGN);
  return NULL;
}

int main(void) {
  const pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    for (int i = 0; i < 3; i++) REQUIRE(pthread_create(&thread, NULL, set_actions, NULL) == 0);
    pause();
    _exit(1);
  }
  usleep(50000);
  /* One that is lost is waited for in vain. */
  alarm(30);
  for (int round = 0; round < 200; round++) {
    int status = -1;
    REQUIRE(kill(child, SIGSTOP) == 0);
    REQUIRE_EQUAL(waitpid(child, &status, WUNTRACED), child);
    if (!WIFSTOPPED(status)) fail(__FILE__, __LINE__, "wait status %#x", (unsigned)status);
    REQUIRE(kill(child, SIGCONT) == 0);
  }
  REQUIRE(kill(child, SIGKILL) == 0);
  REQUIRE_KILLED(child, SIGKILL);
  return 0;
}
