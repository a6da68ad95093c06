#include "probe.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <optional>

#include "../cpu/auxv_types.h"
#include "../cpu/cpuid.h"
#include "../probe/enumerate.h"
#include "../probe/faulting.h"

namespace cpugate {
namespace {

/**
 * From the stack, behind the environment, as the kernel and whoever came after it left it: glibc's
 * getauxval gives a constant of its own for AT_HWCAP, and /proc/self/auxv is the kernel's copy.
 */
std::optional<uint64_t> auxiliaryValue(uint64_t type) {
  char** end = environ;
  while (*end != nullptr) ++end;
  // The vector begins at the word after the null pointer (System V ABI, AMD64 supplement, 3.4.1).
  const auto* entry = reinterpret_cast<const Elf64_auxv_t*>(end + 1);
  for (; entry->a_type != AT_NULL; ++entry)
    if (entry->a_type == type) return entry->a_un.a_val;
  return std::nullopt;
}

/** 1: CPUID doesn't trap; nothing: the kernel doesn't know the question. */
std::optional<uint64_t> cpuidAllowed() {
  constexpr int kArchGetCpuid = 0x1011;
  const long answer = syscall(SYS_arch_prctl, kArchGetCpuid, 0);
  if (answer < 0) return std::nullopt;
  return static_cast<uint64_t>(answer);
}

void printHex(const char* name, std::optional<uint64_t> value) {
  if (value) std::printf("%s %" PRIx64 "\n", name, *value);
}

void printDecimal(const char* name, std::optional<uint64_t> value) {
  if (value) std::printf("%s %" PRIu64 "\n", name, *value);
}

}  // namespace

int probeMain() {
  const Enumeration found = enumerate({executeCpuid, executeXgetbv});
  for (const auto& [leaf, subleaf, a] : found.rows)
    std::printf("%" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 "\n", leaf,
                subleaf, a.eax, a.ebx, a.ecx, a.edx);
  printHex("xcr0", found.xcr0);
  printHex("xcr0-in-use", found.xinuse);
  printHex("hwcap", auxiliaryValue(AT_HWCAP));
  printHex("hwcap2", auxiliaryValue(AT_HWCAP2));
  printDecimal("minsigstksz", auxiliaryValue(AT_MINSIGSTKSZ));
  printDecimal("arch-get-cpuid", cpuidAllowed());
  printHex("xcomp-supp", xcompSupported());
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace cpugate
