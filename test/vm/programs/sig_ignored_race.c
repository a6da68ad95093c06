/*
 * A signal's handler is given up by another thread while the signal comes: it becomes "ignored", or was
 * for one time only (SA_RESETHAND). Whoever follows signals to their handlers may find none entered.
 */
#include <pthread.h>
#include <time.h>

#include "signals.h"

/* Without a handler it does nothing. */
#define SIGNAL SIGURG

static volatile int ended;
static volatile int entered;
static pthread_t waiter;

static void handler(int signal) {
  (void)signal;
  entered++;
}

static void set_handler(void (*handle)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  action.sa_flags = flags;
  REQUIRE(sigaction(SIGNAL, &action, NULL) == 0);
}

static void* change(void* once) {
  while (!ended) {
    set_handler(handler, once != NULL ? SA_RESETHAND : 0);
    if (once == NULL) set_handler(SIG_IGN, 0);
  }
  return NULL;
}

static void* send(void* nothing) {
  while (!ended) pthread_kill(waiter, SIGNAL);
  return nothing;
}

static int milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int)(now.tv_sec % 100000 * 1000 + now.tv_nsec / 1000000);
}

static void race(int once) {
  pthread_t threads[3];
  waiter = pthread_self();
  REQUIRE(pthread_create(&threads[0], NULL, change, once ? &waiter : NULL) == 0);
  for (int i = 1; i < 3; i++) REQUIRE(pthread_create(&threads[i], NULL, send, NULL) == 0);
  const int start = milliseconds();
  while (milliseconds() - start < 500 || entered == 0) {
    REQUIRE_SIGHT("the thread that is signalled");
    for (int i = 0; i < 50; i++) getppid();
    REQUIRE(milliseconds() - start < 20000);
  }
  ended = 1;
  for (int i = 0; i < 3; i++) REQUIRE(pthread_join(threads[i], NULL) == 0);
}

int main(void) {
  for (int once = 0; once < 2; once++) {
    const pid_t child = fork();
    if (child == 0) {
      race(once);
      _exit(0);
    }
    REQUIRE_EXIT(child, 0);
  }
  REQUIRE_SIGHT("main");
  return 0;
}
