/* Prints what CPUID answers on one CPU: "leaf subleaf eax ebx ecx edx", hexadecimal. */
#include <sched.h>

#include "check.h"

static void print(uint32_t leaf, uint32_t subleaf) {
  const struct answer a = cpuid(leaf, subleaf);
  printf("%x %x %x %x %x %x\n", leaf, subleaf, a.eax, a.ebx, a.ecx, a.edx);
}

int main(void) {
  static const uint32_t kFar[] = {0x25,       0xfffff,    0x7fffffff, 0x40000000, 0x40000001,
                                  0x80ffffff, 0x8fffffff, 0xc0000000, 0xffffffff};
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  REQUIRE(sched_setaffinity(0, sizeof set, &set) == 0);
  for (uint32_t leaf = 0; leaf <= 0x24; leaf++)
    for (uint32_t subleaf = 0; subleaf < 4; subleaf++) print(leaf, subleaf);
  for (uint32_t subleaf = 4; subleaf < 64; subleaf++) print(0xd, subleaf);
  print(7, 0xffffffff);
  print(0xd, 0xffffffff);
  for (uint32_t leaf = 0x80000000; leaf <= 0x80000026; leaf++) {
    print(leaf, 0);
    print(leaf, 1);
  }
  for (size_t i = 0; i < sizeof kFar / sizeof *kFar; i++) print(kFar[i], 0);
  return 0;
}
