/* Integer work in registers, N million steps; prints nanoseconds in all. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char** argv) {
  const long millions = argc > 1 ? atol(argv[1]) : 100;
  struct timespec start, end;
  uint64_t x = 88172645463325252u;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < millions * 1000000; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  const double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
  printf("%.0f\n", ns);
  return x == 0;
}
