/* What all programs here need: a clock, a CPU of one's own, a figure on standard output. */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

static inline double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Ends the program where it can't: a figure of another placement would be no figure. 0: the caller. */
static inline void pin(pid_t process, int cpu) {
  cpu_set_t* set = CPU_ALLOC(8192);
  const size_t size = CPU_ALLOC_SIZE(8192);
  CPU_ZERO_S(size, set);
  CPU_SET_S((size_t)cpu, size, set);
  if (sched_setaffinity(process, size, set) != 0) {
    perror("sched_setaffinity");
    exit(1);
  }
  CPU_FREE(set);
}

static inline long number(int argc, char** argv, int place, long otherwise) {
  return argc > place ? atol(argv[place]) : otherwise;
}

#endif
