/**
 * How long a 64-bit instruction is, and where it leads: what it takes to tell a CPUID from the same
 * two bytes inside something else. What it does otherwise isn't of interest.
 */
#ifndef CPUGATE_SUPERVISOR_DECODE_H_
#define CPUGATE_SUPERVISOR_DECODE_H_

#include <cstddef>
#include <cstdint>

namespace cpugate {

/** Where code goes on behind an instruction. */
enum class Flow {
  kNext,
  /** There only. */
  kJump,
  /** There, or behind it: conditional jumps, and calls, which come back. */
  kBranch,
  /** Nobody can tell, or nowhere: returns, indirect jumps, traps. */
  kEnd,
};

struct Instruction {
  /** 0: not an instruction of 64-bit code, or one that isn't known here, or cut off. */
  size_t length = 0;
  Flow flow = Flow::kNext;
  /** Of a jump or branch: from the end of the instruction. */
  int64_t distance = 0;
};

/**
 * The instruction at the start of `bytes`. Intel SDM vol. 2, 2 and appendix A; AMD APM vol. 3, A
 * (XOP, 3DNow!, SSE4a). What the vendors' CPUs read differently (near branches with an operand size
 * prefix), and APX, isn't known.
 */
Instruction decode(const uint8_t* bytes, size_t size);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_DECODE_H_
