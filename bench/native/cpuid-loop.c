/*
 * cpuid-loop N [CPU [SUPERVISORS_CPU]]: executes CPUID N times and prints nanoseconds a time. It stays on CPU; its parent,
 * which is the supervisor under a mask, on SUPERVISORS_CPU.
 */
#define _GNU_SOURCE
#include "timing.h"

#include <unistd.h>

int main(int argc, char** argv) {
  const long count = number(argc, argv, 1, 1000);
  if (argc > 2) pin(0, atoi(argv[2]));
  if (argc > 3) pin(getppid(), atoi(argv[3]));
  const double start = now_ns();
  for (long i = 0; i < count; ++i) {
    unsigned eax = 7, ecx = 0;
    __asm__ volatile("cpuid" : "+a"(eax), "+c"(ecx) : : "ebx", "edx", "memory");
  }
  printf("%.1f\n", (now_ns() - start) / (double)count);
  return 0;
}
