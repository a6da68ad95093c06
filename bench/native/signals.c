/*
 * signals N WHAT: does WHAT N times and prints nanoseconds a time.
 *   handler   a signal to oneself, its handler and the return from it
 *   return    the return from a handler alone (sigreturn)
 *   mask      sigprocmask, each time another mask
 *   null      a null dereference whose handler steps over it, as managed runtimes do
 */
#define _GNU_SOURCE
#include "timing.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static volatile double handler_end;

static void note_end(int signal) {
  (void)signal;
  handler_end = now_ns();
}

static void do_nothing(int signal) { (void)signal; }

/* Of "movl (%rax), %eax" below. */
enum { LOAD_BYTES = 2 };

static void step_over(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info;
  ((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP] += LOAD_BYTES;
}

static void send_signal(void) { syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1); }

static double handlers(long count) {
  signal(SIGUSR1, do_nothing);
  const double start = now_ns();
  for (long i = 0; i < count; ++i) send_signal();
  return now_ns() - start;
}

static double returns(long count) {
  double sum = 0;
  signal(SIGUSR1, note_end);
  for (long i = 0; i < count; ++i) {
    send_signal();
    sum += now_ns() - handler_end;
  }
  return sum;
}

static double masks(long count) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  const double start = now_ns();
  for (long i = 0; i < count; ++i) sigprocmask(i % 2 == 0 ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
  return now_ns() - start;
}

static double null_dereferences(long count) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = step_over;
  sigaction(SIGSEGV, &action, NULL);
  const double start = now_ns();
  for (long i = 0; i < count; ++i) {
    long address = 0;
    __asm__ volatile(".byte 0x8b, 0x00" : "+a"(address) : : "memory");
  }
  return now_ns() - start;
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    double (*run)(long count);
  } kinds[] = {{"handler", handlers}, {"return", returns}, {"mask", masks}, {"null", null_dereferences}};
  const long count = number(argc, argv, 1, 1000);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i)
    if (argc > 2 && strcmp(argv[2], kinds[i].name) == 0) {
      printf("%.1f\n", kinds[i].run(count) / (double)count);
      return 0;
    }
  fprintf(stderr, "signals N handler|return|mask|null\n");
  return 2;
}
