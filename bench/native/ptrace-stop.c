/*
 * The least that any tracer does at a fault: wait, read registers, write them, go on. The tracee executes
 * UD2 N times; the tracer steps over it. Prints nanoseconds a time, measured in the tracee.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int tracee(long count) {
  struct timespec start, end;
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  raise(SIGSTOP);
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < count; ++i) __asm__ volatile("ud2" : : : "memory");
  clock_gettime(CLOCK_MONOTONIC, &end);
  const double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
  printf("%.1f\n", ns / count);
  fflush(stdout);
  return 0;
}

int main(int argc, char** argv) {
  const long count = argc > 1 ? atol(argv[1]) : 1000;
  const pid_t child = fork();
  if (child == 0) _exit(tracee(count));
  int status;
  waitpid(child, &status, 0);
  ptrace(PTRACE_CONT, child, 0, 0);
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    if (WSTOPSIG(status) != SIGILL) return 1;
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, child, 0, &registers);
    registers.rip += 2;
    ptrace(PTRACE_SETREGS, child, 0, &registers);
    ptrace(PTRACE_CONT, child, 0, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
