/* compute N: integer work in registers, N million steps; prints nanoseconds in all. */
#define _GNU_SOURCE
#include "timing.h"

#include <stdint.h>

int main(int argc, char** argv) {
  const long millions = number(argc, argv, 1, 100);
  uint64_t x = 88172645463325252u;
  const double start = now_ns();
  for (long i = 0; i < millions * 1000000; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  printf("%.0f\n", now_ns() - start);
  return x == 0;
}
