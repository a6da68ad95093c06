/*
 * ARCH_GET_CPUID says 1, and whatever ARCH_SET_CPUID is told, by whatever road into the kernel and
 * from whatever thread, CPUID goes on showing what it showed.
 */
#include <pthread.h>

#include "check.h"

#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012

/* i386's numbers, open to 64-bit programs as well. */
static long int80(long number, long first, long second) {
  long result;
#ifdef __x86_64__
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(first), "c"(second)
                   : "memory", "r8", "r9", "r10", "r11");
  return (int)result;
#else
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second) : "memory");
  return result;
#endif
}

static long by_int80(long code, long value) { return int80(384, code, value); }
#ifdef __x86_64__
static long by_syscall(long code, long value) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(158L), "D"(code), "S"(value) : "rcx", "r11", "memory");
  return result;
}
static long by_x32(long code, long value) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(0x40000000L | 158), "D"(code), "S"(value)
                   : "rcx", "r11", "memory");
  return result;
}
/* The upper half of the code is junk that the kernel doesn't look at: it takes an int. */
static long by_junk(long code, long value) {
  return by_syscall((long)(0xabcd000000000000u | (unsigned long)code), value);
}
/* So is that of the number. */
static long by_wide_number(long code, long value) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"((long)(0x1234567800000000u | 158)), "D"(code), "S"(value)
                   : "rcx", "r11", "memory");
  return result;
}
#endif

static const struct {
  const char* name;
  long (*call)(long, long);
  int optional;
} kRoads[] = {
    {"int 0x80", by_int80, 1},
#ifdef __x86_64__
    {"syscall", by_syscall, 0},
    {"x32", by_x32, 1},
    {"a code with junk above", by_junk, 0},
    {"a number with junk above", by_wide_number, 1},
#endif
};

static void try_road(size_t road) {
  const char* name = kRoads[road].name;
  const long is = kRoads[road].call(ARCH_GET_CPUID, 0);
  if (kRoads[road].optional && is == -ENOSYS) return;
  if (is != 1) fail(__FILE__, __LINE__, "%s: ARCH_GET_CPUID is %ld", name, is);
  kRoads[road].call(ARCH_SET_CPUID, 1);
  REQUIRE_SIGHT(name);
  if (expected == BARE) return;
  const long values[] = {0, 1, 2, -1, 0};
  for (int i = 0; i < 5; i++) {
    kRoads[road].call(ARCH_SET_CPUID, values[i]);
    REQUIRE_SIGHT(name);
    REQUIRE_EQUAL(kRoads[road].call(ARCH_GET_CPUID, 0), 1);
  }
}

static void* try_all(void* nothing) {
  for (size_t i = 0; i < sizeof kRoads / sizeof *kRoads; i++) try_road(i);
  return nothing;
}

int main(void) {
  pthread_t thread;
  try_all(NULL);
  REQUIRE(pthread_create(&thread, NULL, try_all, NULL) == 0);
  REQUIRE(pthread_join(thread, NULL) == 0);
  const pid_t child = fork();
  if (child == 0) {
    try_all(NULL);
    _exit(0);
  }
  REQUIRE_EXIT(child, 0);
#ifdef __x86_64__
  /* Others of its codes do what they did. */
  unsigned long fs = 0;
  REQUIRE_EQUAL(by_syscall(0x1003, (long)&fs), 0);
  REQUIRE(fs != 0);
  REQUIRE_EQUAL(by_syscall(0x7fff, 0), -EINVAL);
#endif
  REQUIRE_SIGHT("main");
  return 0;
}
