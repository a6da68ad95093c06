/** A CPUID that has trapped: recognised where the thread stands, and answered there. */
#ifndef CPUGATE_SUPERVISOR_CPUID_TRAP_H_
#define CPUGATE_SUPERVISOR_CPUID_TRAP_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "answer.h"
#include "remote.h"
#include "script.h"
#include "task.h"
#include "tracee.h"

namespace cpugate {

/** Whether code runs in a segment of the program's own (modify_ldt), which begins anywhere. */
constexpr bool isInOwnSegment(const Registers& registers) {
  constexpr uint64_t kLocalSelector = 4;
  return (registers.cs & kLocalSelector) != 0;
}

/** Of an instruction in one of the flat segments. */
constexpr uint64_t placeOf(const Registers& registers) {
  return registers.cs == kCode64 ? registers.rip : registers.rip & 0xffffffff;
}

/** Length of the CPUID at which the thread stands, in one of the flat segments, or 0. */
size_t cpuidAt(const Task& task, const Registers& registers);
/** The same, of memory that may let us wait. */
Co<size_t> findCpuid(const Task& task, Registers registers);

/** Where the segment begins that the code runs in; nothing where it isn't there. */
Co<std::optional<uint32_t>> ownSegmentBase(RemoteCalls& calls);
/**
 * Length of the CPUID at an offset of such a segment, or 0.
 * The offset has 32 bits in 16-bit code, too.
 */
Co<size_t> findCpuidIn(const Task& task, uint32_t base, uint64_t offset);
/** Of eight bytes of a descriptor table, if they describe code (Intel SDM vol. 3, 3.4.5); pure. */
std::optional<uint32_t> baseInDescriptor(uint64_t descriptor);

/** As the instruction would have left them. */
void putAnswer(Registers& registers, const CpuidRegisters& answer, size_t length);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_CPUID_TRAP_H_
