#include "cpuid_trap.h"

#include <sys/syscall.h>

#include <cstring>

#include "instruction.h"
#include "memory.h"

namespace cpugate {

namespace {

constexpr uint64_t kResumeFlag = 1u << 16;
/** The number of the 32-bit call. */
constexpr long kModifyLdt = 123;
/** LDT_ENTRIES and LDT_ENTRY_SIZE (asm/ldt.h). */
constexpr uint64_t kMostEntries = 8192, kEntryBytes = 8;

}  // namespace

size_t cpuidAt(const Task& task, const Registers& registers) {
  const bool code64 = registers.cs == kCode64;
  const uint64_t at = placeOf(registers);
  uint8_t bytes[kMaxInstructionBytes];
  uint64_t word;
  const Touching touching(task.tid);
  if (peekCode(task.tid, at, &word)) {
    memcpy(bytes, &word, sizeof word);
    task.space->code.showOriginal(at, bytes, sizeof word);
    const size_t length = cpuidLength(bytes, sizeof word, code64);
    if (length != 0) return length;
  }
  // Many prefixes, or the end of a page.
  const size_t got = readMemory(task.tid, at, bytes, sizeof bytes);
  task.space->code.showOriginal(at, bytes, got);
  return cpuidLength(bytes, got, code64);
}

Co<size_t> findCpuid(const Task& task, Registers registers) {
  uint8_t bytes[kMaxInstructionBytes];
  const size_t got = co_await readTask(task, placeOf(registers), bytes, sizeof bytes);
  task.space->code.showOriginal(placeOf(registers), bytes, got);
  co_return cpuidLength(bytes, got, registers.cs == kCode64);
}

std::optional<uint32_t> baseInDescriptor(uint64_t descriptor) {
  const auto access = static_cast<uint8_t>(descriptor >> 40);
  // Present, of code or data, code.
  constexpr uint8_t kCode = 0x98;
  if ((access & kCode) != kCode) return std::nullopt;
  return static_cast<uint32_t>((descriptor >> 16 & 0xffffff) | (descriptor >> 56 << 24));
}

Co<std::optional<uint32_t>> ownSegmentBase(RemoteCalls& calls) {
  const uint64_t index = (calls.registers().cs & 0xffff) >> 3;
  if (index >= kMostEntries) co_return std::nullopt;
  // The kernel gives the table from its beginning.
  const uint64_t bytes = (index + 1) * kEntryBytes;
  const auto room = co_await calls.map(bytes);
  if (!room) co_return std::nullopt;
  const RemoteCalls::Arguments read{0, *room, bytes, 0, 0, 0};
  const auto got = co_await calls.call(SYS_modify_ldt, kModifyLdt, read);
  uint64_t descriptor = 0;
  if (got && *got == static_cast<int64_t>(bytes))
    co_await readTask(calls.task(), *room + index * kEntryBytes, &descriptor, sizeof descriptor);
  co_await calls.unmap(*room, bytes);
  co_return baseInDescriptor(descriptor);
}

Co<size_t> findCpuidIn(const Task& task, uint32_t base, uint64_t offset) {
  uint8_t bytes[kMaxInstructionBytes];
  const size_t got = co_await readTask(task, (base + offset) & 0xffffffff, bytes, sizeof bytes);
  co_return cpuidLength(bytes, got, false);
}

void putAnswer(Registers& registers, const CpuidRegisters& answer, size_t length) {
  registers.rax = answer.eax;
  registers.rbx = answer.ebx;
  registers.rcx = answer.ecx;
  registers.rdx = answer.edx;
  registers.rip += length;
  if (registers.cs != kCode64) registers.rip &= 0xffffffff;
  registers.eflags &= ~kResumeFlag;
}

}  // namespace cpugate
