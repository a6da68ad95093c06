/* Faults that aren't CPUID's reach their handler with what the kernel said of them. */
#include <setjmp.h>
#include <sys/mman.h>

#include "signals.h"

static sigjmp_buf back;
static siginfo_t last;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  last = *info;
  siglongjmp(back, 1);
}

#define FAULTS(action)             \
  do {                             \
    memset(&last, 0, sizeof last); \
    if (sigsetjmp(back, 1) == 0) { \
      action;                      \
    }                              \
    REQUIRE_SIGHT("main");         \
  } while (0)
#define REQUIRE_FAULT(signal, code, address)        \
  do {                                              \
    REQUIRE_EQUAL(last.si_signo, signal);           \
    REQUIRE_EQUAL(last.si_code, code);              \
    REQUIRE(last.si_addr == (void*)(address));      \
  } while (0)

int main(void) {
  const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  for (int i = 0; i < 5; i++) handle(signals[i], handler, 0);
  char* page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);

  FAULTS(*(volatile int*)0x123 = 0);
  REQUIRE_FAULT(SIGSEGV, SEGV_MAPERR, 0x123);
  FAULTS(*(volatile int*)(page + 40) = 0);
  REQUIRE_FAULT(SIGSEGV, SEGV_ACCERR, page + 40);
  FAULTS(((void (*)(void))(uintptr_t)(page + 16))());
  REQUIRE_FAULT(SIGSEGV, SEGV_ACCERR, page + 16);
  FAULTS(((void (*)(void))0x4560)());
  REQUIRE_FAULT(SIGSEGV, SEGV_MAPERR, 0x4560);
  FAULTS(__asm__ volatile("hlt"));
  REQUIRE_FAULT(SIGSEGV, SI_KERNEL, 0);
  FAULTS(__asm__ volatile("int $0x55"));
  REQUIRE_FAULT(SIGSEGV, SI_KERNEL, 0);
#ifdef __x86_64__
  volatile uint64_t nowhere = 0x8000000000000000u;
  FAULTS(*(volatile int*)nowhere = 0);
  REQUIRE_FAULT(SIGSEGV, SI_KERNEL, 0);
  /* Not the instruction, its operand, reads as one: mov of CPUID's bytes to nowhere. */
  FAULTS(__asm__ volatile("movl %1, (%0)" : : "r"(nowhere), "i"(CPUID_WORD | CPUID_WORD << 16)));
  REQUIRE_FAULT(SIGSEGV, SI_KERNEL, 0);
#endif
  FAULTS(__asm__ volatile("ud2"));
  REQUIRE_EQUAL(last.si_signo, SIGILL);
  FAULTS(__asm__ volatile("int3"));
  REQUIRE_EQUAL(last.si_signo, SIGTRAP);
  REQUIRE_EQUAL(last.si_code, SI_KERNEL);
  FAULTS(__asm__ volatile("divl %1" : : "a"(1), "r"(0), "d"(0)));
  REQUIRE_EQUAL(last.si_signo, SIGFPE);
  REQUIRE_EQUAL(last.si_code, FPE_INTDIV);
  /* Sent with the look of a fault: rt_sigqueueinfo to oneself may say any code. */
  siginfo_t forged;
  memset(&forged, 0, sizeof forged);
  forged.si_signo = SIGSEGV;
  forged.si_code = SI_KERNEL;
  FAULTS(syscall(SYS_rt_sigqueueinfo, getpid(), SIGSEGV, &forged));
  REQUIRE_FAULT(SIGSEGV, SI_KERNEL, 0);

  const pid_t child = fork();
  if (child == 0) {
    set_disposition(SIGSEGV, SIG_DFL);
    REQUIRE_SIGHT("child");
    __asm__ volatile("hlt");
    _exit(0);
  }
  REQUIRE_KILLED(child, SIGSEGV);
  return 0;
}
