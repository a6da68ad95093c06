/* A 64-bit program that jumps into a 32-bit code segment and executes CPUID there. */
#include <sys/mman.h>

#include "check.h"

/* At entry, 32-bit: eax leaf, ecx subleaf, edi where to store; ds is empty in a 64-bit program. */
static const unsigned char kCode[] = {
    CPUID_BYTES,                  /* cpuid */
    0x36, 0x89, 0x07,             /* mov ss:[edi], eax */
    0x36, 0x89, 0x5f, 0x04,       /* mov ss:[edi+4], ebx */
    0x36, 0x89, 0x4f, 0x08,       /* mov ss:[edi+8], ecx */
    0x36, 0x89, 0x57, 0x0c,       /* mov ss:[edi+12], edx */
    0xea, 0, 0, 0, 0, 0x33, 0x00, /* jmp 0x33:back */
};
#define BACK 18

static struct answer cpuid_in_compat(unsigned char* low, uint32_t leaf, uint32_t subleaf) {
  struct answer* out = (struct answer*)(low + 256);
  const uint32_t target[2] = {(uint32_t)(uintptr_t)low, 0x23};
  __asm__ volatile(
      "movl $1f, %c[back](%[low])\n\t"
      "mov %%rsp, %%r12\n\t"
      "lea 4000(%[low]), %%rsp\n\t"
      "ljmp *(%[target])\n"
      "1:\n\t"
      "mov %%r12, %%rsp"
      : "+a"(leaf), "+c"(subleaf)
      : "D"(out), [low] "r"(low), [target] "r"(target), [back] "i"(BACK)
      : "rbx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
  return *out;
}

int main(void) {
  unsigned char* low = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  REQUIRE(low != MAP_FAILED);
  memcpy(low, kCode, sizeof kCode);
  for (int i = 0; i < 5; i++) {
    const struct answer one = cpuid_in_compat(low, 1, 0), seven = cpuid_in_compat(low, 7, 0);
    REQUIRE_EQUAL(sight_of(one.ecx, seven.ebx), expected);
    REQUIRE_EQUAL(seven.edx, cpuid(7, 0).edx);
  }
  REQUIRE_SIGHT("main");
  return 0;
}
