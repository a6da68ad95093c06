/*
 * threads N [hold]: starts N threads, which all live until the last has started, and prints nanoseconds for that in
 * all. hold: goes on living, without its processor, until standard input ends.
 */
#define _GNU_SOURCE
#include "timing.h"

#include <pthread.h>
#include <unistd.h>

static pthread_barrier_t all_started;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void* wait_for_end(void* unused) {
  (void)unused;
  pthread_barrier_wait(&all_started);
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return NULL;
}

int main(int argc, char** argv) {
  const long count = number(argc, argv, 1, 100);
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 * 1024);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_barrier_init(&all_started, NULL, (unsigned)count + 1);
  pthread_mutex_lock(&gate);
  const double start = now_ns();
  for (long i = 0; i < count; ++i)
    if (pthread_create(&thread, &attributes, wait_for_end, NULL) != 0) {
      perror("pthread_create");
      return 1;
    }
  pthread_barrier_wait(&all_started);
  printf("%.0f\n", now_ns() - start);
  fflush(stdout);
  char end;
  if (argc > 2 && read(0, &end, 1) < 0) return 1;
  _exit(0);
}
