/* exec_loop N SIGHT: execs itself N times, without a C library: some few instructions a program. */
#include <stdint.h>

#include "opcode.h"

static long call(long number, long first, long second, long third) {
  long result;
#ifdef __x86_64__
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third)
                   : "rcx", "r11", "memory");
#else
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(first), "c"(second), "d"(third)
                   : "memory");
#endif
  return result;
}
#ifdef __x86_64__
#define EXECVE 59
#define EXIT 231
#define WRITE 1
#define PRCTL 157
#else
#define EXECVE 11
#define EXIT 252
#define WRITE 4
#define PRCTL 172
#endif

static void write_error(const char* text) {
  long length = 0;
  while (text[length] != 0) length++;
  call(WRITE, 2, (long)text, length);
}

static int sees_mask(void) {
  uint32_t eax = 1, ebx, ecx = 0, edx, fma;
  __asm__ volatile(CPUID : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  fma = ecx >> 12 & 1;
  eax = 7, ecx = 0;
  __asm__ volatile(CPUID : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  const uint32_t avx2 = ebx >> 5 & 1;
  return fma != avx2 ? -1 : !fma;
}

/* Whether the call was made that makes a program's CPUID trap. */
static int is_armed(void) {
#ifdef STAND_IN
  const long getKeepcaps = 7;
  return call(PRCTL, getKeepcaps, 0, 0) == 1;
#else
  return 1;
#endif
}

__attribute__((used)) void run(long* stack) {
  const long argc = stack[0];
  char** argv = (char**)(stack + 1);
  long left = 0;
  if (argc > 1)
    for (const char* digit = argv[1]; *digit != 0; digit++) left = left * 10 + *digit - '0';
  if (sees_mask() != (argc > 2 && argv[2][0] == 'm') || !is_armed()) {
    write_error("exec_loop: sees wrong\n");
    call(EXIT, 1, 0, 0);
  }
  if (left == 0) call(EXIT, 0, 0, 0);
  char text[12];
  char* digit = text + 11;
  *digit = 0;
  for (left--; left > 0; left /= 10) *--digit = (char)('0' + left % 10);
  if (*digit == 0) *--digit = '0';
  argv[1] = digit;
  call(EXECVE, (long)argv[0], (long)argv, (long)(argv + argc + 1));
  write_error("exec_loop: exec failed\n");
  call(EXIT, 2, 0, 0);
}

#ifdef __x86_64__
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call run\n");
#else
__asm__(".globl _start\n_start: mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call run\n");
#endif
