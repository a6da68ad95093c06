/**
 * Every leaf and subleaf of CPUID that a CPU has, from anything that answers CPUID: the real
 * instruction (cpus.cc) or a table in a test. No feature is named and nothing is decided here.
 */
#ifndef CPUGATE_PROBE_ENUMERATE_H_
#define CPUGATE_PROBE_ENUMERATE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "../cpu/cpuid.h"

namespace cpugate {

struct Row {
  uint32_t leaf = 0;
  uint32_t subleaf = 0;
  CpuidRegisters answer;
};

struct Processor {
  std::function<CpuidRegisters(uint32_t leaf, uint32_t subleaf)> cpuid;
  /** Called only where CPUID says that the instruction and the register exist. */
  std::function<uint64_t(uint32_t index)> xgetbv;
};

struct Enumeration {
  /** By leaf and subleaf; a subleaf that ends a list (type 0) is part of it. */
  std::vector<Row> rows;
  std::optional<uint64_t> xcr0;    // XGETBV(0)
  std::optional<uint64_t> xinuse;  // XGETBV(1)
};

/** A CPU with more is cut off here, so that no answer, however odd, makes the list endless. */
inline constexpr uint32_t kMaxLeavesPerRange = 256;
inline constexpr uint32_t kMaxSubleaves = 64;

/**
 * `sibling`: another CPU of the same machine, which has the same hypervisors. To look for them
 * takes 255 questions, each of which leaves a virtual machine.
 */
Enumeration enumerate(const Processor& processor, const Enumeration* sibling = nullptr);

/** Whether a leaf's answer depends on ECX, as far as the vendors say. */
bool hasSubleaves(uint32_t leaf);

}  // namespace cpugate

#endif  // CPUGATE_PROBE_ENUMERATE_H_
