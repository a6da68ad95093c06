/*
 * stress THREADS LOOKS SIGNALS: every thread looks so often, and again in the handler of each of
 * the queued signals that are sent to it; children come and go meanwhile. All signals arrive.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "signals.h"

static int threads, looks, signals;
static atomic_int started, released;
static atomic_long handled;
static __thread volatile int own;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  REQUIRE_SIGHT("a handler");
  REQUIRE_EQUAL(info->si_code, SI_QUEUE);
  own++;
  atomic_fetch_add(&handled, 1);
}

static void* work(void* nothing) {
  atomic_fetch_add(&started, 1);
  for (int i = 0; i < looks; i++) REQUIRE_SIGHT("a thread");
  while (own < signals || !atomic_load(&released)) usleep(20000);
  REQUIRE_EQUAL(own, signals);
  return nothing;
}

static void* breed(void* count) {
  for (int i = 0; i < *(int*)count; i++) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(look() == expected ? 7 : 1);
    REQUIRE_EXIT(child, 7);
  }
  return NULL;
}

int main(int argc, char** argv) {
  REQUIRE(argc == 4);
  threads = atoi(argv[1]), looks = atoi(argv[2]), signals = atoi(argv[3]);
  handle(SIGRTMIN + 3, handler, SA_RESTART);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  pthread_t* list = calloc((size_t)threads, sizeof *list);
  pthread_t breeder;
  int children = 50;
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  REQUIRE(pthread_create(&breeder, NULL, breed, &children) == 0);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  for (int i = 0; i < threads; i++) {
    const int error = pthread_create(&list[i], &attributes, work, NULL);
    if (error != 0) fail(__FILE__, __LINE__, "thread %d: error %d", i, error);
  }
  for (int round = 0; round < signals; round++)
    for (int i = 0; i < threads; i++) {
      int error;
      while ((error = pthread_sigqueue(list[i], SIGRTMIN + 3, (union sigval){.sival_int = i})) == EAGAIN)
        usleep(10000);
      REQUIRE_EQUAL(error, 0);
    }
  atomic_store(&released, 1);
  for (int i = 0; i < threads; i++) REQUIRE(pthread_join(list[i], NULL) == 0);
  REQUIRE(pthread_join(breeder, NULL) == 0);
  REQUIRE_EQUAL(atomic_load(&handled), (long)threads * signals);
  printf("%d threads, %ld signals\n", atomic_load(&started), atomic_load(&handled));
  return 0;
}
