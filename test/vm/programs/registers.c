/* CPUID clears the upper halves of its four registers and touches nothing else, no flag either. */
#include "check.h"

#ifdef __x86_64__
struct registers {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, flags;
};
_Static_assert(sizeof(struct registers) == 128, "offsets below");

/* Loads all, CPUID, stores all. */
void run_cpuid(struct registers* registers, unsigned char vectors[512]);
__asm__(
    ".text\n"
    "run_cpuid:\n"
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "push %rdi\n"
    "fxrstor64 (%rsi)\n"
    "push %rsi\n"
    "pushq 120(%rdi)\n popfq\n"
    "mov 0(%rdi), %rax\n mov 8(%rdi), %rbx\n mov 16(%rdi), %rcx\n mov 24(%rdi), %rdx\n"
    "mov 32(%rdi), %rsi\n mov 48(%rdi), %rbp\n mov 56(%rdi), %r8\n mov 64(%rdi), %r9\n"
    "mov 72(%rdi), %r10\n mov 80(%rdi), %r11\n mov 88(%rdi), %r12\n mov 96(%rdi), %r13\n"
    "mov 104(%rdi), %r14\n mov 112(%rdi), %r15\n mov 40(%rdi), %rdi\n"
    CPUID "\n"
    "pushfq\n"
    "push %rdi\n"
    "mov 24(%rsp), %rdi\n"
    "mov %rax, 0(%rdi)\n mov %rbx, 8(%rdi)\n mov %rcx, 16(%rdi)\n mov %rdx, 24(%rdi)\n"
    "mov %rsi, 32(%rdi)\n mov %rbp, 48(%rdi)\n mov %r8, 56(%rdi)\n mov %r9, 64(%rdi)\n"
    "mov %r10, 72(%rdi)\n mov %r11, 80(%rdi)\n mov %r12, 88(%rdi)\n mov %r13, 96(%rdi)\n"
    "mov %r14, 104(%rdi)\n mov %r15, 112(%rdi)\n"
    "popq 40(%rdi)\n popq 120(%rdi)\n"
    "cld\n"
    "pop %rsi\n fxsave64 (%rsi)\n"
    "pop %rdi\n"
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
    "ret\n");

#define STATUS 0xcd5u /* OF DF SF ZF AF PF CF */

int main(void) {
  static const uint64_t kFlags[] = {0, STATUS, 0x401, 0x840, 0x094};
  static unsigned char vectors[512] __attribute__((aligned(16)));
  static unsigned char before[512] __attribute__((aligned(16)));
  __asm__ volatile("fxsave64 %0" : "=m"(vectors));
  for (int i = 160; i < 416; i++) vectors[i] = (unsigned char)(i * 7);
  const uint64_t junk = 0xdeadbeef00000000u;
  for (int i = 0; i < 5; i++) {
    const struct registers in = {
        junk | 7, 0x1111111122222222, junk, 0x3333333344444444, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        kFlags[i]};
    struct registers out = in;
    memcpy(before, vectors, sizeof before);
    run_cpuid(&out, vectors);
    const struct answer shall = cpuid(7, 0);
    REQUIRE_EQUAL(out.rax, shall.eax);
    REQUIRE_EQUAL(out.rbx, shall.ebx);
    REQUIRE_EQUAL(out.rcx, shall.ecx);
    REQUIRE_EQUAL(out.rdx, shall.edx);
    REQUIRE_EQUAL(out.flags & STATUS, kFlags[i]);
    REQUIRE(memcmp(&out.rsi, &in.rsi, offsetof(struct registers, flags) - offsetof(struct registers, rsi)) == 0);
    REQUIRE(memcmp(before + 32, vectors + 32, 384) == 0);
  }
  REQUIRE_SIGHT("main");
  return 0;
}
#else
int main(void) {
  uint32_t eax = 7, ebx, ecx = 0, edx, flags;
  __asm__ volatile("stc\n\tstd\n\t" CPUID "\n\tpushfl\n\tcld\n\tpopl %%esi"
                   : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx), "=S"(flags));
  REQUIRE_EQUAL(flags & 0x401, 0x401);
  REQUIRE_EQUAL(ebx, cpuid(7, 0).ebx);
  REQUIRE_SIGHT("main");
  return 0;
}
#endif
