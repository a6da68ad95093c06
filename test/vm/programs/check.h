/*
 * What the programs here share. Each sets one trap for a supervisor of CPUID, checks itself, and is
 * right as well where nobody supervises: SIGHT says which of both it is, "bare" (default) or
 * "masked". Exit status 0: all as it should be; 1: the reason is on standard error; 77: this kernel
 * or CPU doesn't have what the trap is made of.
 */
#ifndef CHECK_H_
#define CHECK_H_

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "opcode.h"

struct answer {
  uint32_t eax, ebx, ecx, edx;
};

static inline struct answer cpuid(uint32_t leaf, uint32_t subleaf) {
  struct answer a;
  __asm__ volatile(CPUID
                   : "=a"(a.eax), "=b"(a.ebx), "=c"(a.ecx), "=d"(a.edx)
                   : "a"(leaf), "c"(subleaf));
  return a;
}

/* The CPUs under test have these, and the mask hides them: FMA, MOVBE; BMI1, AVX2, BMI2. */
#define HIDDEN_1_ECX ((1u << 12) | (1u << 22))
#define HIDDEN_7_EBX ((1u << 3) | (1u << 5) | (1u << 8))
/* These show with and without it: SSE3, OSXSAVE, AVX. A blank answer is no mask. */
#define SHOWN_1_ECX ((1u << 0) | (1u << 27) | (1u << 28))

enum sight { BARE, MASKED, MIXED };

static inline enum sight sight_of(uint32_t leaf1Ecx, uint32_t leaf7Ebx) {
  if ((leaf1Ecx & SHOWN_1_ECX) != SHOWN_1_ECX) return MIXED;
  if ((leaf1Ecx & HIDDEN_1_ECX) == 0 && (leaf7Ebx & HIDDEN_7_EBX) == 0) return MASKED;
  if ((leaf1Ecx & HIDDEN_1_ECX) == HIDDEN_1_ECX && (leaf7Ebx & HIDDEN_7_EBX) == HIDDEN_7_EBX)
    return BARE;
  return MIXED;
}

/* Without libc, for children that share our memory and thread-local storage. */
static inline enum sight look(void) { return sight_of(cpuid(1, 0).ecx, cpuid(7, 0).ebx); }

__attribute__((unused)) static enum sight expected;
__attribute__((constructor(101))) static void read_expectation(void) {
  const char* sight = getenv("SIGHT");
  expected = sight != NULL && strcmp(sight, "masked") == 0 ? MASKED : BARE;
}

__attribute__((unused, noreturn, format(printf, 3, 4))) static void fail(const char* file, int line,
                                                                         const char* format, ...) {
  char text[400];
  int length = snprintf(text, sizeof text, "%s:%d: ", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line);
  va_list list;
  va_start(list, format);
  length += vsnprintf(text + length, sizeof text - (size_t)length - 1, format, list);
  va_end(list);
  if (length > (int)sizeof text - 2) length = (int)sizeof text - 2;
  text[length++] = '\n';
  if (write(2, text, (size_t)length) < 0) _exit(2);
  _exit(1);
}

#define REQUIRE(condition) \
  do {                     \
    if (!(condition)) fail(__FILE__, __LINE__, "not so: %s (errno %d)", #condition, errno); \
  } while (0)
#define REQUIRE_EQUAL(is, shall)                                                       \
  do {                                                                                 \
    const long long is_ = (long long)(is), shall_ = (long long)(shall);                \
    if (is_ != shall_)                                                                 \
      fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %lld (%s)", #is, is_, is_, shall_, #shall); \
  } while (0)
#define REQUIRE_SIGHT(who)                                                                       \
  do {                                                                                           \
    const enum sight sight_ = look();                                                            \
    if (sight_ != expected)                                                                      \
      fail(__FILE__, __LINE__, "%s sees %s", who,                                                \
           sight_ == BARE ? "the CPU" : sight_ == MASKED ? "a mask" : "neither CPU nor mask");   \
  } while (0)

/* A child ended as it should: exit status `exit`. */
#define REQUIRE_EXIT(pid, exit_)                                                             \
  do {                                                                                       \
    int status_ = -1;                                                                        \
    REQUIRE_EQUAL(waitpid(pid, &status_, __WALL), pid);                                      \
    if (!WIFEXITED(status_) || WEXITSTATUS(status_) != (exit_))                              \
      fail(__FILE__, __LINE__, "child ended with wait status %#x, not exit %d", (unsigned)status_, exit_); \
  } while (0)
#define REQUIRE_KILLED(pid, signal_)                                                         \
  do {                                                                                       \
    int status_ = -1;                                                                        \
    REQUIRE_EQUAL(waitpid(pid, &status_, __WALL), pid);                                      \
    if (!WIFSIGNALED(status_) || WTERMSIG(status_) != (signal_))                             \
      fail(__FILE__, __LINE__, "child ended with wait status %#x, not signal %d", (unsigned)status_, signal_); \
  } while (0)

#define NOT_HERE 77

#endif
