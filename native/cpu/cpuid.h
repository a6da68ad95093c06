/** CPUID and XGETBV as they are executed here, and what CPUID answers. */
#ifndef CPUGATE_CPU_CPUID_H_
#define CPUGATE_CPU_CPUID_H_

#include <cstdint>

namespace cpugate {

struct CpuidRegisters {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;

  bool operator==(const CpuidRegisters&) const = default;
};

struct CpuidQuestion {
  uint32_t leaf = 0;
  uint32_t subleaf = 0;
};

/** On the CPU that this thread runs on now. Traps where CPUID traps for this thread. */
CpuidRegisters executeCpuid(uint32_t leaf, uint32_t subleaf);

/** An undefined instruction where CPUID doesn't say that it is there (leaf 1 ECX[27], OSXSAVE). */
uint64_t executeXgetbv(uint32_t index);

/** AuthenticAMD, HygonGenuine: by the answer to leaf 0. */
bool isAmdOrHygon(const CpuidRegisters& vendor);

}  // namespace cpugate

#endif  // CPUGATE_CPU_CPUID_H_
