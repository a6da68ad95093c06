#include "cpuid.h"

namespace cpugate {

CpuidRegisters executeCpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidRegisters live;
  // It may trap, and a handler reads what was written before.
  __asm__ volatile("cpuid"
                   : "=a"(live.eax), "=b"(live.ebx), "=c"(live.ecx), "=d"(live.edx)
                   : "a"(leaf), "c"(subleaf)
                   : "memory");
  return live;
}

uint64_t executeXgetbv(uint32_t index) {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
  return uint64_t{high} << 32 | low;
}

bool isAmdOrHygon(const CpuidRegisters& vendor) {
  return (vendor.ebx == 0x68747541 && vendor.edx == 0x69746e65 && vendor.ecx == 0x444d4163) ||
         (vendor.ebx == 0x6f677948 && vendor.edx == 0x6e65476e && vendor.ecx == 0x656e6975);
}

}  // namespace cpugate
