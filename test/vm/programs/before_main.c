/* What is decided before main: ifunc resolvers, constructors, libgcc's and glibc's own records. */
#include "check.h"
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#if __GLIBC_PREREQ(2, 33)
#include <sys/platform/x86.h>
#define GLIBC_TELLS
#endif
#endif

static enum sight of_constructor = MIXED;

static int chosen_bare(void) { return BARE; }
static int chosen_masked(void) { return MASKED; }
static int chosen_mixed(void) { return MIXED; }

static int (*choose(void))(void) {
  const enum sight sight = look();
  return sight == BARE ? chosen_bare : sight == MASKED ? chosen_masked : chosen_mixed;
}
#ifdef __GLIBC__
int of_ifunc(void) __attribute__((ifunc("choose")));
#else
static int of_ifunc(void) { return choose()(); }
#endif

__attribute__((constructor(102))) static void construct(void) { of_constructor = look(); }

int main(void) {
  REQUIRE_EQUAL(of_ifunc(), expected);
  REQUIRE_EQUAL(of_constructor, expected);
  REQUIRE_EQUAL(!!__builtin_cpu_supports("avx2"), expected == BARE);
  REQUIRE(__builtin_cpu_supports("avx"));
#ifdef GLIBC_TELLS
  REQUIRE_EQUAL(!!__builtin_cpu_supports("fma"), expected == BARE);
  REQUIRE_EQUAL(!!CPU_FEATURE_PRESENT(AVX2), expected == BARE);
  REQUIRE_EQUAL(!!CPU_FEATURE_ACTIVE(AVX2), expected == BARE);
  REQUIRE_EQUAL(!!CPU_FEATURE_ACTIVE(FMA), expected == BARE);
  REQUIRE(CPU_FEATURE_ACTIVE(AVX));
#endif
  return 0;
}
