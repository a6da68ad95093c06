// Every leaf and subleaf of CPUID that a CPU has, from anything that answers CPUID: the real
// instruction (cpus.cc) or a table in a test. No feature is named and nothing is decided here.
#ifndef CPUGATE_NATIVE_PROBE_ENUMERATE_H_
#define CPUGATE_NATIVE_PROBE_ENUMERATE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace cpugate {

// The four registers that one CPUID gives.
struct Answer {
  std::uint32_t eax = 0;
  std::uint32_t ebx = 0;
  std::uint32_t ecx = 0;
  std::uint32_t edx = 0;
};

struct Row {
  std::uint32_t leaf = 0;
  std::uint32_t subleaf = 0;
  Answer answer;
};

struct Processor {
  std::function<Answer(std::uint32_t leaf, std::uint32_t subleaf)> cpuid;
  // Called only where CPUID says that the instruction and the register exist.
  std::function<std::uint64_t(std::uint32_t index)> xgetbv;
};

struct Enumeration {
  // By leaf and subleaf; a subleaf that ends a list (type 0) is part of it.
  std::vector<Row> rows;
  std::optional<std::uint64_t> xcr0;    // XGETBV(0)
  std::optional<std::uint64_t> xinuse;  // XGETBV(1)
};

// A CPU with more is cut off here, so that no answer, however odd, makes the list endless.
inline constexpr std::uint32_t kMaxLeavesPerRange = 256;
inline constexpr std::uint32_t kMaxSubleaves = 64;

Enumeration Enumerate(const Processor& processor);

// Whether a leaf's answer depends on ECX, as far as the vendors say.
bool HasSubleaves(std::uint32_t leaf);

}  // namespace cpugate

#endif  // CPUGATE_NATIVE_PROBE_ENUMERATE_H_
