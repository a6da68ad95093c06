/* Under the trap flag, SIGTRAP comes after CPUID as after every instruction: once, right behind it. */
#include <ucontext.h>

#include "signals.h"

#ifdef __x86_64__
#define IP REG_RIP
#define PUSH "pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
#define POP "pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq"
#else
#define IP REG_EIP
#define PUSH "pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\t"
#define POP "pushfl\n\tandl $~0x100, (%%esp)\n\tpopfl"
#endif

extern const char before_cpuid[], after_cpuid[], after_next[];
static volatile uintptr_t trace[64];
static volatile int steps, codes;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal;
  if (steps < 64) trace[steps++] = (uintptr_t)((ucontext_t*)context)->uc_mcontext.gregs[IP];
  if (info->si_code != TRAP_TRACE) codes++;
}

__attribute__((noinline)) static uint32_t step_over(uint32_t leaf, uint32_t subleaf) {
  uint32_t eax = leaf, ebx, ecx = subleaf, edx;
  __asm__ volatile(PUSH
                   "nop\n"
                   "before_cpuid: " CPUID "\n"
                   "after_cpuid: nop\n"
                   "after_next: " POP
                   : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return ebx;
}

int main(void) {
  handle(SIGTRAP, handler, 0);
  const uint32_t shall = cpuid(7, 0).ebx;
  for (int i = 0; i < 3; i++) {
    steps = 0;
    REQUIRE_EQUAL(step_over(7, 0), shall);
    REQUIRE_EQUAL(codes, 0);
    REQUIRE(steps >= 4);
    REQUIRE(trace[0] == (uintptr_t)before_cpuid);
    REQUIRE(trace[1] == (uintptr_t)after_cpuid);
    REQUIRE(trace[2] == (uintptr_t)after_next);
    require_handled(SIGTRAP, handler, 0);
    REQUIRE_EQUAL(is_blocked(SIGTRAP), 0);
  }
  REQUIRE_SIGHT("main");
  return 0;
}
