/*
 * AT_HWCAP is leaf 1 EDX as CPUID shows it; of AT_HWCAP2, FSGSBASE (bit 1) where leaf 7 has it.
 * HWCAP2_ABSENT: bits that may not show; MINSIGSTKSZ: at least this.
 */
#include <elf.h>
#include <sys/auxv.h>

#include "check.h"

#ifdef __x86_64__
typedef Elf64_auxv_t entry;
#else
typedef Elf32_auxv_t entry;
#endif
static const entry* vector;

/* As the kernel left it: glibc's getauxval() tells of AT_HWCAP what glibc thinks. */
static unsigned long value(unsigned long type) {
  for (const entry* at = vector; at->a_type != AT_NULL; at++)
    if (at->a_type == type) return at->a_un.a_val;
  return 0;
}

static unsigned long number(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : strtoul(text, NULL, 0);
}

int main(int argc, char** argv, char** environment) {
  (void)argc, (void)argv;
  while (*environment != NULL) environment++;
  vector = (const entry*)(environment + 1);
  REQUIRE_SIGHT("main");
  REQUIRE_EQUAL(value(AT_HWCAP) & ~(unsigned long)cpuid(1, 0).edx, 0);
  REQUIRE(value(AT_HWCAP) & (1u << 26)); /* SSE2 */
  REQUIRE_EQUAL(value(AT_HWCAP2) & number("HWCAP2_ABSENT"), 0);
  if (!(cpuid(7, 0).ebx & 1)) REQUIRE_EQUAL(value(AT_HWCAP2) & 2, 0);
  REQUIRE(value(51 /* AT_MINSIGSTKSZ */) >= number("MINSIGSTKSZ"));
  if (number("MINSIGSTKSZ")) REQUIRE(value(51) < number("MINSIGSTKSZ") + 8192);
  REQUIRE(value(AT_PAGESZ) == 4096 && value(AT_RANDOM) != 0 && value(AT_SYSINFO_EHDR) != 0);
  REQUIRE(strstr((const char*)value(AT_EXECFN), "auxv") != NULL);
  return 0;
}
