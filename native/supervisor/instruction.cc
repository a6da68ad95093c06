#include "instruction.h"

#include <algorithm>

namespace cpugate {
namespace {

#ifndef CPUGATE_TRAP_OPCODE
#define CPUGATE_TRAP_OPCODE 0xa2
#endif
/** Behind 0F. Tests on machines without CPUID faulting trap another instruction in its place. */
constexpr uint8_t kSecondByte = CPUGATE_TRAP_OPCODE;

/**
 * CPUID ignores them all: operand and address size, REP, REPNE, segments. LOCK (F0) isn't among
 * them: it makes CPUID an invalid opcode.
 */
bool isIgnoredPrefix(uint8_t byte) {
  switch (byte) {
    case 0x66:
    case 0x67:
    case 0xf2:
    case 0xf3:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x26:
    case 0x64:
    case 0x65:
      return true;
    default:
      return false;
  }
}

}  // namespace

size_t cpuidLength(const uint8_t* bytes, size_t size, bool code64) {
  const size_t limit = std::min(size, kMaxInstructionBytes);
  size_t at = 0;
  // A REX prefix that is not the last prefix is ignored, too (Intel SDM vol. 2A, 2.2.1).
  while (at < limit && (isIgnoredPrefix(bytes[at]) || (code64 && (bytes[at] & 0xf0) == 0x40))) ++at;
  const bool isCpuid = at + 2 <= limit && bytes[at] == 0x0f && bytes[at + 1] == kSecondByte;
  return isCpuid ? at + 2 : 0;
}

}  // namespace cpugate
