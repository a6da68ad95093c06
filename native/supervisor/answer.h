/**
 * What CPUID answers under a mask.
 *
 * A question is first placed in its range (basic, hypervisor's, extended, Centaur's), whose first
 * leaf tells the highest one. Within the range the leaf's row decides. Beyond it AMD and Hygon
 * answer zeros; all others repeat their highest basic leaf, and so does the mask, by the row of
 * that leaf: what the row of the leaf that was asked keeps would be bits of another leaf. A leaf
 * that is shown but that the CPU hasn't got has no bits to keep. Sources: Intel SDM vol. 2A CPUID,
 * "Information Returned by CPUID"; AMD APM vol. 3 appendix E.3.
 *
 * What the CPU said is kept in a table of fixed size, however many of the 2^64 leaves and subleaves
 * tasks ask for; a leaf without a row never gets as far as to be executed. Rows that differ from
 * CPU to CPU are asked, and kept, for the CPU that the task runs on.
 */
#ifndef CPUGATE_SUPERVISOR_ANSWER_H_
#define CPUGATE_SUPERVISOR_ANSWER_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mask.h"
#include "task_cpu.h"

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

/** Executes CPUID on one CPU, where this thread moves meanwhile; nothing where it may not run. */
std::optional<CpuidRegisters> executeCpuidOn(unsigned cpu, uint32_t leaf, uint32_t subleaf);

/** All that a task may get to; empty where they can't be told. */
std::vector<unsigned> onlineCpus();

/** (live & keep) | set, or zeros without a row. */
CpuidRegisters applyRow(const MaskRow* row, CpuidRegisters live);

/** Whom Answers asks; a test puts in its own. */
struct LiveCpu {
  std::function<CpuidRegisters(uint32_t leaf, uint32_t subleaf)> cpuid = executeCpuid;
  std::function<std::optional<CpuidRegisters>(unsigned cpu, uint32_t leaf, uint32_t subleaf)>
      cpuidOn = executeCpuidOn;
  std::function<std::optional<unsigned>(pid_t tid)> cpuOf = cpuOfTask;
  std::function<std::vector<unsigned>()> cpus = onlineCpus;
};

class Answers {
 public:
  /** A question about single CPUs that comes so often is asked of all of them once. */
  static constexpr uint32_t kAsksBeforeLook = 8;
  static constexpr size_t kPlaces = 2048;

  /** The mask must outlive this. */
  explicit Answers(const Mask& mask, LiveCpu live = {});

  /** What a masked CPU answers to a task. */
  CpuidRegisters answer(uint32_t leaf, uint32_t subleaf, pid_t tid);

 private:
  /** A question, and what the CPU said to it. */
  struct Place {
    uint32_t leaf;
    uint32_t subleaf;
    uint32_t cpu;
    CpuidRegisters live;
  };
  struct Range {
    bool isThere = false;
    /** As shown, and as the CPU has it. */
    uint32_t highest = 0;
    uint32_t liveHighest = 0;
  };

  Range readRange(uint32_t first);
  Range rangeOf(uint32_t leaf);
  CpuidRegisters answerOf(const Range& range, uint32_t leaf, uint32_t subleaf, pid_t tid);
  CpuidRegisters liveOf(uint32_t leaf, uint32_t subleaf);
  CpuidRegisters liveWhereTaskRuns(const MaskRow& row, uint32_t leaf, uint32_t subleaf, pid_t tid);
  bool isAlikeEverywhere(const MaskRow& row, uint32_t leaf, uint32_t subleaf);
  const Place* find(uint32_t leaf, uint32_t subleaf, uint32_t cpu) const;
  void keep(const Place& place);

  const Mask& mask_;
  LiveCpu live_;
  Range basic_;
  Range extended_;
  Range centaur_;
  /** How often a question about single CPUs was asked; at kAsksBeforeLook it is settled. */
  std::unordered_map<uint64_t, uint32_t> asks_;
  bool hasHypervisor_ = false;
  bool repeatsHighest_ = false;
  std::vector<Place> places_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_ANSWER_H_
