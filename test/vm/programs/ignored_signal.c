/*
 * Signals that nobody takes note of come while a thread waits: ignored, or without effect by default.
 * They don't end the wait, and the time that it was given stays what it was. One that is caught does.
 */
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "signals.h"

/* Milliseconds; the signals come after 0.3, 0.6 and 0.9 of it. */
#define LIMIT 900
/* A tracer can't tell how long a call has waited: begun anew at the last signal, it takes 1.9 times as long. */
#define MOST (2 * LIMIT + 400)

/* struct timespec of a 64-bit kernel, whatever libc's is. */
struct wide {
  int64_t seconds, nanoseconds;
};
#ifdef __x86_64__
#define FUTEX SYS_futex
#define EPOLL_PWAIT2 441
#else
#define FUTEX 422 /* futex_time64 */
#define EPOLL_PWAIT2 441
#endif
static const struct wide kWide = {0, LIMIT * 1000000};
static const struct timespec kLimit = {0, LIMIT * 1000000};

static int polled, silent, semaphores, semaphore;

static int wait_epoll(void) {
  struct epoll_event event;
  return epoll_wait(polled, &event, 1, LIMIT);
}
static int wait_epoll_pwait2(void) {
  struct epoll_event event;
  const int got = (int)syscall(EPOLL_PWAIT2, polled, &event, 1, &kWide, NULL, 0);
  return got < 0 && errno == ENOSYS ? wait_epoll() : got;
}
static int wait_signal(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  return sigtimedwait(&set, NULL, &kLimit);
}
static int wait_semaphore(void) {
  struct sembuf take = {0, -1, 0};
  return semaphores < 0 ? (errno = EAGAIN, usleep(LIMIT * 1000), -1) : semtimedop(semaphores, &take, 1, &kLimit);
}
static int wait_receive(void) {
  char byte;
  return (int)recv(silent, &byte, 1, 0);
}
static int wait_poll(void) {
  struct pollfd nothing = {silent, POLLIN, 0};
  return poll(&nothing, 1, LIMIT);
}
static int wait_select(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(silent, &set);
  struct timeval limit = {0, LIMIT * 1000};
  return select(silent + 1, &set, NULL, NULL, &limit);
}
static int wait_sleep(void) { return nanosleep(&kLimit, NULL); }
static int wait_futex(void) { return (int)syscall(FUTEX, &semaphore, FUTEX_WAIT_PRIVATE, 0, &kWide, NULL, 0); }

static const struct {
  const char* name;
  int (*wait)(void);
  int result, error;
} kWaits[] = {
    {"epoll_wait", wait_epoll, 0, 0},
    {"epoll_pwait2", wait_epoll_pwait2, 0, 0},
    {"sigtimedwait", wait_signal, -1, EAGAIN},
    {"semtimedop", wait_semaphore, -1, EAGAIN},
    {"recv", wait_receive, -1, EAGAIN},
    {"poll", wait_poll, 0, 0},
    {"select", wait_select, 0, 0},
    {"nanosleep", wait_sleep, 0, 0},
    {"futex", wait_futex, -1, ETIMEDOUT},
};
#define WAITS (sizeof kWaits / sizeof *kWaits)

static const struct {
  const char* name;
  int number;
} kIgnored[] = {{"SIGUSR1, ignored", SIGUSR1}, {"SIGCHLD, by default", SIGCHLD}, {"SIGWINCH, by default", SIGWINCH}};
#define SIGNALS (sizeof kIgnored / sizeof *kIgnored)

static int milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int)(now.tv_sec % 100000 * 1000 + now.tv_nsec / 1000000);
}

/* A process that sends `signal` to us three times during a wait. */
static pid_t send_in_a_while(int signal) {
  const pid_t us = getpid(), child = fork();
  if (child != 0) return child;
  for (int i = 0; i < 3; i++) {
    usleep(LIMIT * 300);
    kill(us, signal);
  }
  _exit(0);
}

/* In a process of its own; 0, or it has said what is wrong. */
static int goes_on(const char* how, int signal, size_t which) {
  const pid_t sender = send_in_a_while(signal);
  const int start = milliseconds();
  errno = 0;
  const int result = kWaits[which].wait();
  const int error = errno, took = milliseconds() - start;
  const int right = result == kWaits[which].result && (result >= 0 || error == kWaits[which].error);
  /* Of a time that a socket was given nobody outside knows what is left. */
  const int known = expected == MASKED && kWaits[which].wait == wait_receive && result < 0 && error == EINTR;
  if (known) dprintf(1, "recv: interrupted by %s\n", how);
  const int wrong = !known && (!right || took < LIMIT - 1 || took > MOST);
  if (wrong) dprintf(2, "%s, %s: %d, errno %d, after %d ms of %d\n", kWaits[which].name, how, result, error, took, LIMIT);
  waitpid(sender, NULL, 0);
  return wrong;
}

/* Without a limit, until something is there to read. */
static int goes_on_for_ever(const char* how, int signal) {
  int ends[2];
  struct epoll_event event = {.events = EPOLLIN};
  REQUIRE(pipe(ends) == 0 && epoll_ctl(polled, EPOLL_CTL_ADD, ends[0], &event) == 0);
  const pid_t sender = send_in_a_while(signal), writer = fork();
  if (writer == 0) {
    usleep(LIMIT * 1000);
    _exit(write(ends[1], "", 1) != 1);
  }
  const int start = milliseconds(), result = epoll_wait(polled, &event, 1, -1), took = milliseconds() - start;
  if (result != 1 || took < LIMIT - 100)
    dprintf(2, "epoll_wait without a limit, %s: %d, errno %d, after %d ms\n", how, result, errno, took);
  waitpid(sender, NULL, 0);
  waitpid(writer, NULL, 0);
  return result != 1;
}

static void caught(int signal, siginfo_t* info, void* context) { (void)signal, (void)info, (void)context; }

static int is_interrupted(size_t which) {
  const pid_t sender = send_in_a_while(SIGALRM);
  errno = 0;
  const int result = kWaits[which].wait(), wrong = result != -1 || errno != EINTR;
  if (wrong) dprintf(2, "%s, SIGALRM, caught: %d, errno %d\n", kWaits[which].name, result, errno);
  waitpid(sender, NULL, 0);
  return wrong;
}

int main(void) {
  int ends[2];
  const struct timeval limit = {0, LIMIT * 1000};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  silent = ends[0];
  REQUIRE(setsockopt(silent, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  semaphores = semget(IPC_PRIVATE, 1, 0600);
  block(SIGUSR2);
  signal(SIGUSR1, SIG_IGN);
  handle(SIGALRM, caught, SA_RESTART);
  /* All at once: each takes its time. */
  pid_t children[(WAITS + 1) * (SIGNALS + 1)];
  int count = 0;
  for (size_t signal = 0; signal <= SIGNALS; signal++)
    for (size_t which = 0; which <= WAITS; which++) {
      if (signal == SIGNALS && which == WAITS) break;
      const pid_t child = children[count++] = fork();
      if (child != 0) continue;
      polled = epoll_create1(0);
      if (signal == SIGNALS)
        /* Not where another time is restarted with SA_RESTART. */
        _exit(kWaits[which].wait != wait_futex && is_interrupted(which));
      const char* how = kIgnored[signal].name;
      _exit(which == WAITS ? goes_on_for_ever(how, kIgnored[signal].number)
                           : goes_on(how, kIgnored[signal].number, which));
    }
  int failed = 0;
  for (int i = 0; i < count; i++) {
    int status = -1;
    REQUIRE_EQUAL(waitpid(children[i], &status, 0), children[i]);
    failed += status != 0;
  }
  if (semaphores >= 0) semctl(semaphores, 0, IPC_RMID);
  REQUIRE_SIGHT("main");
  REQUIRE_EQUAL(failed, 0);
  return 0;
}
