/* System calls that signals interrupt go on, or end with EINTR, as without a supervisor. */
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "signals.h"

static volatile int calls;

/* Faults in the handler, while the interrupted call waits below. */
static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info, (void)context;
  REQUIRE_SIGHT("a handler");
  calls++;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void pass(double seconds) {
  const double end = now() + seconds;
  while (now() < end) usleep(5000);
}

/* A child that shoots `count` signals at us, 10 ms apart, then ends. */
static pid_t shoot(int signal, int count) {
  const pid_t target = getpid(), child = fork();
  if (child != 0) return child;
  for (int i = 0; i < count; i++) {
    pass(0.01);
    if (sigqueue(target, signal, (union sigval){.sival_int = i}) != 0) _exit(1);
  }
  _exit(0);
}

/* A child that shoots signals at us, 10 ms apart, until it's `hit`. One alone may come before the
   call that it shall interrupt has begun, which then waits for ever. */
static volatile int* hit;

static pid_t shoot_until_hit(int signal) {
  *hit = 0;
  const pid_t target = getpid(), child = fork();
  if (child != 0) return child;
  while (!*hit) {
    pass(0.01);
    if (kill(target, signal) != 0) _exit(1);
  }
  _exit(0);
}

static void end_shooting(int signal_number, pid_t child) {
  REQUIRE(signal(signal_number, SIG_IGN) != SIG_ERR);
  *hit = 1;
  REQUIRE_EXIT(child, 0);
  REQUIRE(calls >= 1);
}

static void* look_always(void* ended) {
  while (!*(volatile int*)ended) {
    REQUIRE_SIGHT("a thread");
    usleep(1000);
  }
  return NULL;
}

static void sleeps_through_ignored(void) {
  const struct timespec time = {0, 300000000};
  const double start = now();
  const pid_t child = shoot(SIGWINCH, 10);
  struct timespec left = {9, 9};
  REQUIRE_EQUAL(nanosleep(&time, &left), 0);
  REQUIRE(now() - start >= 0.299);
  REQUIRE_EXIT(child, 0);
}

static void sleeps_through_stop(void) {
  const pid_t child = fork();
  if (child == 0) {
    const struct timespec time = {0, 400000000};
    const double start = now();
    REQUIRE_EQUAL(nanosleep(&time, NULL), 0);
    REQUIRE(now() - start >= 0.399);
    struct pollfd nothing = {-1, 0, 0};
    REQUIRE_EQUAL(poll(&nothing, 1, 300), 0);
    _exit(0);
  }
  for (int i = 0; i < 2; i++) {
    int status = -1;
    pass(0.1);
    REQUIRE(kill(child, SIGSTOP) == 0);
    REQUIRE_EQUAL(waitpid(child, &status, WUNTRACED), child);
    REQUIRE(kill(child, SIGCONT) == 0);
    pass(0.25);
  }
  REQUIRE_EXIT(child, 0);
}

static void sleep_is_interrupted(void) {
  const struct timespec time = {20, 0};
  struct timespec left = {0, 0};
  calls = 0;
  handle(SIGUSR1, handler, SA_RESTART);
  const pid_t child = shoot_until_hit(SIGUSR1);
  REQUIRE_EQUAL(nanosleep(&time, &left), -1);
  REQUIRE_EQUAL(errno, EINTR);
  REQUIRE(left.tv_sec >= 1 && left.tv_sec < 20);
  end_shooting(SIGUSR1, child);
}

/* Real-time signals queue: every one is handled, and the read still gets what was written. */
static void read_restarts(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  handle(SIGRTMIN, handler, SA_RESTART);
  calls = 0;
  const pid_t target = getpid(), child = fork();
  if (child == 0) {
    for (int i = 0; i < 20; i++) {
      pass(0.005);
      if (sigqueue(target, SIGRTMIN, (union sigval){.sival_int = i}) != 0) _exit(1);
    }
    _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
  }
  char got = 0;
  REQUIRE_EQUAL(read(ends[0], &got, 1), 1);
  REQUIRE_EQUAL(got, 'x');
  REQUIRE_EQUAL(calls, 20);
  REQUIRE_EXIT(child, 0);
}

static void read_is_interrupted(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  handle(SIGUSR1, handler, 0);
  calls = 0;
  const pid_t child = shoot_until_hit(SIGUSR1);
  char got = 0;
  REQUIRE_EQUAL(read(ends[0], &got, 1), -1);
  REQUIRE_EQUAL(errno, EINTR);
  end_shooting(SIGUSR1, child);
}

static void wait_restarts(void) {
  handle(SIGUSR1, handler, SA_RESTART);
  calls = 0;
  const pid_t shooter = shoot(SIGUSR1, 3), sleeper = fork();
  if (sleeper == 0) {
    pass(0.2);
    _exit(5);
  }
  REQUIRE_EXIT(sleeper, 5);
  REQUIRE_EXIT(shooter, 0);
  REQUIRE(calls >= 1 && calls <= 3);
}

static void futex_waits_on(void) {
  static volatile int word = 1;
  const struct timespec time = {0, 200000000};
  const double start = now();
  const pid_t child = shoot(SIGWINCH, 5);
  REQUIRE_EQUAL(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &time, NULL, 0), -1);
  REQUIRE_EQUAL(errno, ETIMEDOUT);
  REQUIRE(now() - start >= 0.199);
  REQUIRE_EXIT(child, 0);
}

int main(void) {
  hit = mmap(NULL, sizeof(*hit), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(hit != MAP_FAILED);
  volatile int ended = 0;
  pthread_t thread;
  /* Blocked, the signals are the main thread's. */
  sigset_t all, old;
  sigfillset(&all);
  REQUIRE(pthread_sigmask(SIG_BLOCK, &all, &old) == 0);
  REQUIRE(pthread_create(&thread, NULL, look_always, (void*)&ended) == 0);
  REQUIRE(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
  sleeps_through_ignored();
  sleeps_through_stop();
  sleep_is_interrupted();
  read_restarts();
  read_is_interrupted();
  wait_restarts();
  futex_waits_on();
  ended = 1;
  REQUIRE(pthread_join(thread, NULL) == 0);
  REQUIRE_SIGHT("main");
  return 0;
}
