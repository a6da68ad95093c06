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
 * What the CPU said is asked once and kept: no answer changes while Linux runs. What depends on
 * CR4 and XCR0 doesn't, since the kernel sets both at boot, for all CPUs alike. A leaf without a
 * row never gets as far as to be executed, and there are not more subleaves than the probe
 * enumerates: what tasks ask beyond them isn't kept, so that no task fills the memory.
 *
 * Rows that differ from CPU to CPU are answered for the CPU that the task runs on. A question of
 * the kind that comes often is asked of all CPUs, once; where all say the same, which is usual
 * for caches and TLBs, the task needn't be looked for any more. All such questions are asked at the
 * same visit, as moving from CPU to CPU is what takes time.
 */
#ifndef CPUGATE_SUPERVISOR_ANSWER_H_
#define CPUGATE_SUPERVISOR_ANSWER_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "../cpu/affinity.h"
#include "../cpu/cpuid.h"
#include "mask.h"
#include "self_arming.h"
#include "task_cpu.h"

namespace cpugate {

/** (live & keep) | set, or zeros without a row. */
CpuidRegisters applyRow(const MaskRow* row, CpuidRegisters live);

/** Whom Answers asks; a test puts in its own. */
struct LiveCpu {
  std::function<CpuidRegisters(uint32_t leaf, uint32_t subleaf)> cpuid = liveCpuid;
  std::function<std::optional<std::vector<CpuidRegisters>>(
      unsigned cpu, const std::vector<CpuidQuestion>& questions)>
      cpuidOn = liveCpuidOn;
  std::function<std::optional<unsigned>(pid_t tid)> cpuOf =
      [finder = std::make_shared<TaskCpu>()](pid_t tid) { return finder->of(tid); };
  std::function<std::vector<unsigned>()> cpus = onlineCpus;
};

class Answers {
 public:
  /**
   * A question about single CPUs that comes so often is asked of all of them. Most programs ask
   * nothing of the kind more than once; a visit to each of a hundred CPUs takes milliseconds.
   */
  static constexpr uint32_t kAsksBeforeVisit = 8;
  /** Answers of single CPUs that are kept at most: some questions of each of thousands of CPUs. */
  static constexpr size_t kMostOfCpus = 1 << 16;

  /** The mask must outlive this. */
  explicit Answers(const Mask& mask, LiveCpu live = {});

  /** What a masked CPU answers to a task. */
  CpuidRegisters answer(uint32_t leaf, uint32_t subleaf, pid_t tid);

 private:
  /** A question about single CPUs. */
  struct PerCpu {
    const MaskRow* row = nullptr;
    uint32_t asks = 0;
    /** All CPUs were asked: nothing is left to do for it. */
    bool isSettled = false;
    /** What all of them say, as far as the row shows it. */
    std::optional<CpuidRegisters> alike;
    std::unordered_map<unsigned, CpuidRegisters> byCpu;
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
  std::optional<CpuidRegisters> keptFor(PerCpu& question, CpuidQuestion asked, unsigned cpu);
  void visitAllCpus();
  void keepOf(PerCpu& question, unsigned cpu, const CpuidRegisters& live);

  const Mask& mask_;
  LiveCpu live_;
  Range basic_;
  Range extended_;
  Range centaur_;
  bool hasHypervisor_ = false;
  bool repeatsHighest_ = false;
  /** By leaf << 32 | subleaf. */
  std::unordered_map<uint64_t, CpuidRegisters> kept_;
  std::map<uint64_t, PerCpu> perCpu_;
  size_t keptOfCpus_ = 0;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_ANSWER_H_
