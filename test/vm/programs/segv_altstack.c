/* The alternate stack: not taken by CPUID, not left by it, and no stack at all is no matter. */
#include <setjmp.h>
#include <sys/mman.h>

#include "signals.h"

static sigjmp_buf back;
static char alternate[65536];
static volatile int calls;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info, (void)context;
  char here;
  calls++;
  REQUIRE(&here >= alternate && &here < alternate + sizeof alternate);
  stack_t before, after;
  REQUIRE(sigaltstack(NULL, &before) == 0);
  REQUIRE_SIGHT("a handler on its stack");
  REQUIRE(sigaltstack(NULL, &after) == 0);
  REQUIRE(memcmp(&before, &after, sizeof before) == 0);
  siglongjmp(back, 1);
}

static void try_flags(int flags) {
  const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate, .ss_flags = flags};
  REQUIRE(sigaltstack(&stack, NULL) == 0);
  handle(SIGSEGV, handler, SA_ONSTACK);
  calls = 0;
  REQUIRE_SIGHT("main");
  REQUIRE_EQUAL(calls, 0);
  stack_t now;
  REQUIRE(sigaltstack(NULL, &now) == 0);
  REQUIRE(now.ss_sp == alternate);
  REQUIRE_EQUAL(now.ss_flags, flags);
  if (sigsetjmp(back, 1) == 0) *(volatile int*)8 = 0;
  REQUIRE_EQUAL(calls, 1);
  REQUIRE_SIGHT("main");
}

#ifdef __x86_64__
/* CPUID while the stack pointer points nowhere. */
static uint32_t leaf7_without_stack(uint64_t stackPointer) {
  uint32_t eax = 7, ebx, ecx = 0, edx;
  __asm__ volatile(
      "mov %%rsp, %%r12\n\t"
      "mov %4, %%rsp\n\t"
      CPUID "\n\t"
      "mov %%r12, %%rsp"
      : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx)
      : "r"(stackPointer)
      : "r12", "memory");
  return ebx;
}
#endif

int main(void) {
  try_flags(0);
  try_flags((int)(1u << 31)); /* SS_AUTODISARM */
#ifdef __x86_64__
  const uint32_t shall = cpuid(7, 0).ebx;
  REQUIRE_EQUAL(leaf7_without_stack(0), shall);
  REQUIRE_EQUAL(leaf7_without_stack(0x8000000000000000u), shall);
  REQUIRE_EQUAL(leaf7_without_stack(~0ull), shall);
#endif
  return 0;
}
