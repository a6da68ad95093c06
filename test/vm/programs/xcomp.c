/* Permission for AMX state is refused and not said to be had, whatever the CPU has. */
#include "check.h"

#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023

#ifdef __x86_64__
static long arch_prctl(long code, unsigned long value) { return syscall(SYS_arch_prctl, code, value); }
#else
static long arch_prctl(long code, unsigned long value) { return syscall(384, code, value); }
#endif

int main(void) {
  uint64_t supported = 0, permitted = 0;
  REQUIRE_EQUAL(arch_prctl(ARCH_GET_XCOMP_SUPP, (unsigned long)&supported), 0);
  REQUIRE_EQUAL(supported & (3u << 17), 0);
  for (unsigned long component = 17; component <= 19; component++) {
    REQUIRE_EQUAL(arch_prctl(ARCH_REQ_XCOMP_PERM, component), -1);
    REQUIRE(errno == EINVAL || errno == EOPNOTSUPP || errno == EPERM);
  }
  REQUIRE_EQUAL(arch_prctl(ARCH_GET_XCOMP_PERM, (unsigned long)&permitted), 0);
  REQUIRE_EQUAL(permitted & (3u << 17), 0);
  REQUIRE_EQUAL(permitted & 3, 3);
  REQUIRE_SIGHT("main");
  return 0;
}
