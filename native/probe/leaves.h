/** What a CPU's answers show: single rows, and whether two CPUs are alike. */
#ifndef CPUGATE_PROBE_LEAVES_H_
#define CPUGATE_PROBE_LEAVES_H_

#include <vector>

#include "cpus.h"

namespace cpugate {

/** Null: that wasn't asked. */
const CpuidRegisters* findRow(const Enumeration& answers, uint32_t leaf, uint32_t subleaf);

/** Null, too, where the leaf doesn't exist (src/model/leaves.ts, leafExists). */
const CpuidRegisters* findAnswer(const Enumeration& answers, uint32_t leaf, uint32_t subleaf);

/** CPUs that answered alike, but for the fields that tell one from another. */
struct CpuGroup {
  const Enumeration* answers;     // of the first
  std::vector<unsigned> logical;  // ascending
};

/** In the order of first appearance; CPUs that couldn't be asked are in none. */
std::vector<CpuGroup> groupCpus(const std::vector<CpuAnswers>& cpus);

}  // namespace cpugate

#endif  // CPUGATE_PROBE_LEAVES_H_
