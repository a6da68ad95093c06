/* State of SIGSEGV, which a trapped CPUID must leave as it was. */
#ifndef SIGNALS_H_
#define SIGNALS_H_

#include <ucontext.h>

#include "check.h"

static inline int is_blocked(int signal) {
  sigset_t set;
  REQUIRE(sigprocmask(SIG_SETMASK, NULL, &set) == 0);
  return sigismember(&set, signal);
}

static inline int is_pending(int signal) {
  sigset_t set;
  REQUIRE(sigpending(&set) == 0);
  return sigismember(&set, signal);
}

static inline void block(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static inline void unblock(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  REQUIRE(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

static inline void handle(int signal, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  sigaddset(&action.sa_mask, SIGUSR2);
  REQUIRE(sigaction(signal, &action, NULL) == 0);
}

/* As handle() left it. */
static inline void require_handled(int signal, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action;
  REQUIRE(sigaction(signal, NULL, &action) == 0);
  REQUIRE(action.sa_sigaction == handler);
  const unsigned int told = SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_ONSTACK | SA_RESTART;
  REQUIRE_EQUAL((unsigned int)action.sa_flags & told, SA_SIGINFO | (unsigned int)flags);
  REQUIRE_EQUAL(sigismember(&action.sa_mask, SIGUSR2), 1);
}

static inline void set_disposition(int signal, void (*disposition)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = disposition;
  REQUIRE(sigaction(signal, &action, NULL) == 0);
}

static inline void require_disposition(int signal, void (*disposition)(int)) {
  struct sigaction action;
  REQUIRE(sigaction(signal, NULL, &action) == 0);
  REQUIRE(action.sa_handler == disposition);
}

#endif
