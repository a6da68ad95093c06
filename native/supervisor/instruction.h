/** Recognises CPUID in machine code. */
#ifndef CPUGATE_SUPERVISOR_INSTRUCTION_H_
#define CPUGATE_SUPERVISOR_INSTRUCTION_H_

#include <cstddef>
#include <cstdint>

namespace cpugate {

/** No instruction is longer; one that is raises #GP. */
inline constexpr size_t kMaxInstructionBytes = 15;

/**
 * Length of a CPUID instruction at the start of `bytes`, with the prefixes that it ignores, or 0:
 * something else is there. `code64`: the task runs 64-bit code, where 40 … 4F are REX prefixes.
 */
size_t cpuidLength(const uint8_t* bytes, size_t size, bool code64);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_INSTRUCTION_H_
