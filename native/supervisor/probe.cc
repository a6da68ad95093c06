#include "probe.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <optional>

#include "../probe/enumerate.h"
#include "../probe/faulting.h"
#include "answer.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

namespace cpugate {
namespace {

Answer executeHere(uint32_t leaf, uint32_t subleaf) {
  const auto [eax, ebx, ecx, edx] = executeCpuid(leaf, subleaf);
  return {.eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx};
}

uint64_t executeXgetbv(uint32_t index) {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
  return uint64_t{high} << 32 | low;
}

std::optional<uint64_t> auxiliaryValue(unsigned long type) {
  errno = 0;
  const unsigned long value = getauxval(type);
  if (value == 0 && errno == ENOENT) return std::nullopt;
  return value;
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
  const Enumeration found = Enumerate({executeHere, executeXgetbv});
  for (const auto& [leaf, subleaf, a] : found.rows)
    std::printf("%" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 "\n", leaf,
                subleaf, a.eax, a.ebx, a.ecx, a.edx);
  printHex("xcr0", found.xcr0);
  printHex("xcr0-in-use", found.xinuse);
  printHex("hwcap", auxiliaryValue(AT_HWCAP));
  printHex("hwcap2", auxiliaryValue(AT_HWCAP2));
  printDecimal("minsigstksz", auxiliaryValue(AT_MINSIGSTKSZ));
  printDecimal("arch-get-cpuid", cpuidAllowed());
  printHex("xcomp-supp", XcompSupported());
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace cpugate
