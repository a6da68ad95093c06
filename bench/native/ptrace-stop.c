/*
 * ptrace-stop N CPU TRACERS_CPU: the least that any tracer does at a CPUID that traps: wait, read registers, write
 * them, go on. The tracee executes CPUID N times; the tracer steps over it. Prints nanoseconds a time, measured in the
 * tracee. CPUID traps in the tracer, too: else the kernel would write a register of the CPU at each switch between
 * them. With -DPATCHED it is the instruction of patched code, which traps always.
 */
#define _GNU_SOURCE
#include "timing.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SET_CPUID = 0x1012, CPUID_BYTES = 2 };

#ifdef PATCHED
#define TRAPPING "rdmsr"
static int set_trap(int traps) { return traps > 1; }
#else
#define TRAPPING "cpuid"
static int set_trap(int traps) { return syscall(SYS_arch_prctl, SET_CPUID, traps ? 0L : 1L) != 0; }
#endif

static int tracee(long count, int cpu) {
  pin(0, cpu);
  if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0 || raise(SIGSTOP) != 0 || set_trap(1)) return 1;
  const double start = now_ns();
  for (long i = 0; i < count; ++i) {
    unsigned eax = 7, ecx = 0;
    __asm__ volatile(TRAPPING : "+a"(eax), "+c"(ecx) : : "ebx", "edx", "memory");
  }
  const double ns = (now_ns() - start) / (double)count;
  if (set_trap(0)) return 1;
  printf("%.1f\n", ns);
  return fflush(stdout);
}

int main(int argc, char** argv) {
  const long count = number(argc, argv, 1, 1000);
  const int cpu = (int)number(argc, argv, 2, 0);
  const pid_t child = fork();
  if (child == 0) _exit(tracee(count, cpu));
  pin(0, (int)number(argc, argv, 3, cpu));
  int status;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) || set_trap(1)) return 1;
  ptrace(PTRACE_CONT, child, 0, 0);
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    if (WSTOPSIG(status) != SIGSEGV) return 1;
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, child, 0, &registers);
    registers.rip += CPUID_BYTES;
    ptrace(PTRACE_SETREGS, child, 0, &registers);
    ptrace(PTRACE_CONT, child, 0, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
