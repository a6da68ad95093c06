/**
 * What CPUID answers under a mask.
 *
 * A question is first placed in the range that it belongs to (basic, hypervisor's, extended,
 * Centaur's), whose first leaf tells the highest one. Within the range, the leaf's row decides.
 * Beyond it, AMD and Hygon answer zeros, and all others repeat their highest basic leaf, here with
 * the row of that leaf: the raw data would tell what the mask hides. Sources: Intel SDM vol. 2A
 * CPUID, "INPUT EAX"; AMD APM vol. 3 appendix E.
 *
 * Answers are kept in a table of fixed size, in which a question has one place: tasks can ask for
 * 2^64 leaves and subleaves. Those of rows that differ from CPU to CPU are kept by CPU.
 */
#ifndef CPUGATE_SUPERVISOR_ANSWER_H_
#define CPUGATE_SUPERVISOR_ANSWER_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "mask.h"

namespace cpugate {

struct CpuidRegisters {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;

  bool operator==(const CpuidRegisters&) const = default;
};

/** Executes CPUID on the CPU that this thread runs on now. */
CpuidRegisters executeCpuid(uint32_t leaf, uint32_t subleaf);

/** Executes CPUID on one CPU, to which this thread moves meanwhile; nothing where it may not run
 * there. */
std::optional<CpuidRegisters> executeCpuidOn(unsigned cpu, uint32_t leaf, uint32_t subleaf);

/** The CPU that a task runs on, or ran on last; nothing where the task is gone. */
std::optional<unsigned> cpuOfTask(pid_t tid);

/** Field 39 of /proc/<tid>/stat's text, which is `size` long; nothing where it isn't there. */
std::optional<unsigned> cpuInStat(const char* text, size_t size);

/** (live & keep) | set, or zeros without a row. */
CpuidRegisters applyRow(const MaskRow* row, CpuidRegisters live);

/** Whom Answers asks; a test puts in its own. */
struct LiveCpu {
  std::function<CpuidRegisters(uint32_t leaf, uint32_t subleaf)> cpuid = executeCpuid;
  std::function<std::optional<CpuidRegisters>(unsigned cpu, uint32_t leaf, uint32_t subleaf)>
      cpuidOn = executeCpuidOn;
  std::function<std::optional<unsigned>(pid_t tid)> cpuOf = cpuOfTask;
};

class Answers {
 public:
  /** A power of two. */
  static constexpr size_t kPlaces = 1024;

  /** The mask must outlive this. */
  explicit Answers(const Mask& mask, LiveCpu live = {});

  /** What a masked CPU answers to a task. */
  CpuidRegisters answer(uint32_t leaf, uint32_t subleaf, pid_t tid);

 private:
  struct Place {
    uint32_t leaf;
    uint32_t subleaf;
    uint32_t cpu;
    CpuidRegisters registers;
  };
  struct Target {
    uint32_t leaf;
    const MaskRow* row;
  };

  Place& placeOf(uint32_t leaf, uint32_t subleaf, uint32_t cpu);
  CpuidRegisters answerAnew(uint32_t leaf, uint32_t subleaf, pid_t tid);
  CpuidRegisters answerPerCpu(const Target& target, uint32_t subleaf, pid_t tid);
  CpuidRegisters firstOfRange(uint32_t leaf);
  bool isInRange(uint32_t leaf);
  Target targetOf(uint32_t leaf, uint32_t subleaf);

  const Mask& mask_;
  LiveCpu live_;
  uint32_t highestBasic_ = 0;
  bool repeatsHighest_ = false;
  std::vector<Place> places_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_ANSWER_H_
