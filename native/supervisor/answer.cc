#include "answer.h"

#include <algorithm>
#include <utility>

#include "../probe/enumerate.h"

namespace cpugate {
namespace {

constexpr uint32_t kHypervisorLeaves = 0x40000000;
constexpr uint32_t kExtendedLeaves = 0x80000000;
constexpr uint32_t kCentaurLeaves = 0xc0000000;
/** A hypervisor that imitates another has its own leaves that far above. */
constexpr uint32_t kHypervisorStep = 0x100;
constexpr uint32_t kHypervisorBit = 1u << 31;

constexpr uint64_t keyOf(uint32_t leaf, uint32_t subleaf) { return uint64_t{leaf} << 32 | subleaf; }

constexpr CpuidQuestion questionOf(uint64_t key) {
  return {.leaf = static_cast<uint32_t>(key >> 32), .subleaf = static_cast<uint32_t>(key)};
}

}  // namespace

CpuidRegisters applyRow(const MaskRow* row, CpuidRegisters live) {
  if (row == nullptr) return {};
  const uint32_t* keep = row->keep;
  const uint32_t* set = row->set;
  return {
      .eax = (live.eax & keep[0]) | set[0],
      .ebx = (live.ebx & keep[1]) | set[1],
      .ecx = (live.ecx & keep[2]) | set[2],
      .edx = (live.edx & keep[3]) | set[3],
  };
}

Answers::Answers(const Mask& mask, LiveCpu live) : mask_(mask), live_(std::move(live)) {
  const SelfDisarmed disarmed;
  repeatsHighest_ = !isAmdOrHygon(applyRow(mask_.find(0, 0), liveOf(0, 0)));
  hasHypervisor_ = (live_.cpuid(1, 0).ecx & kHypervisorBit) != 0;
  basic_ = readRange(0);
  extended_ = readRange(kExtendedLeaves);
  centaur_ = readRange(kCentaurLeaves);
}

CpuidRegisters Answers::answer(uint32_t leaf, uint32_t subleaf, pid_t tid) {
  const Range range = rangeOf(leaf);
  if (range.isThere && leaf <= range.highest) return answerOf(range, leaf, subleaf, tid);
  if (repeatsHighest_ && basic_.isThere) return answerOf(basic_, basic_.highest, subleaf, tid);
  return {};
}

/** A first leaf that tells a highest one elsewhere is none: the CPU repeats another there. */
Answers::Range Answers::readRange(uint32_t first) {
  const MaskRow* row = mask_.find(first, 0);
  if (row == nullptr) return {};
  const CpuidRegisters live = liveOf(first, 0);
  const uint32_t size = first == 0 ? kHypervisorLeaves : 0x10000;
  Range range{.isThere = true, .highest = applyRow(row, live).eax, .liveHighest = live.eax};
  range.isThere = range.liveHighest - first < size && range.highest - first < size;
  return range;
}

Answers::Range Answers::rangeOf(uint32_t leaf) {
  if (leaf < kHypervisorLeaves) return basic_;
  if (leaf >= kCentaurLeaves) return centaur_;
  if (leaf >= kExtendedLeaves) return extended_;
  if (!hasHypervisor_ || leaf - kHypervisorLeaves >= 0x10000) return {};
  const uint32_t first = leaf & ~(kHypervisorStep - 1);
  // An old KVM says 0 and has one leaf more (Linux Documentation/virt/kvm/x86/cpuid.rst).
  if (first == kHypervisorLeaves && mask_.find(first, 0) != nullptr && liveOf(first, 0).eax == 0)
    return {.isThere = true, .highest = first + 1, .liveHighest = first + 1};
  return readRange(first);
}

CpuidRegisters Answers::answerOf(const Range& range, uint32_t leaf, uint32_t subleaf, pid_t tid) {
  const MaskRow* row = mask_.find(leaf, subleaf);
  if (row == nullptr) return {};
  if (leaf > range.liveHighest) return applyRow(row, {});
  // Programs leave anything in ECX where it doesn't matter.
  if (!hasSubleaves(leaf)) subleaf = 0;
  const bool perCpu = (row->flags & kRowPerCpu) != 0;
  return applyRow(row,
                  perCpu ? liveWhereTaskRuns(*row, leaf, subleaf, tid) : liveOf(leaf, subleaf));
}

CpuidRegisters Answers::liveOf(uint32_t leaf, uint32_t subleaf) {
  if (subleaf >= kMaxSubleaves) return live_.cpuid(leaf, subleaf);
  const auto [place, isNew] = kept_.try_emplace(keyOf(leaf, subleaf));
  if (isNew) place->second = live_.cpuid(leaf, subleaf);
  return place->second;
}

CpuidRegisters Answers::liveWhereTaskRuns(const MaskRow& row, uint32_t leaf, uint32_t subleaf,
                                          pid_t tid) {
  if (subleaf >= kMaxSubleaves) {
    const auto cpu = live_.cpuOf(tid);
    const auto live = cpu ? live_.cpuidOn(*cpu, {{leaf, subleaf}}) : std::nullopt;
    return live ? live->front() : live_.cpuid(leaf, subleaf);
  }
  PerCpu& question = perCpu_[keyOf(leaf, subleaf)];
  question.row = &row;
  if (!question.isSettled && ++question.asks >= kAsksBeforeVisit) visitAllCpus();
  if (question.alike) return *question.alike;
  if (const auto cpu = live_.cpuOf(tid))
    if (const auto live = keptFor(question, {leaf, subleaf}, *cpu)) return *live;
  // Not known, or not ours to run on: any CPU's answer is better than none.
  return question.byCpu.empty() ? live_.cpuid(leaf, subleaf) : question.byCpu.begin()->second;
}

std::optional<CpuidRegisters> Answers::keptFor(PerCpu& question, CpuidQuestion asked,
                                               unsigned cpu) {
  const auto place = question.byCpu.find(cpu);
  if (place != question.byCpu.end()) return place->second;
  const auto live = live_.cpuidOn(cpu, {asked});
  if (!live) return std::nullopt;
  keepOf(question, cpu, live->front());
  return live->front();
}

/** All questions that aren't settled, however seldom they came so far. */
void Answers::visitAllCpus() {
  std::vector<PerCpu*> open;
  std::vector<CpuidQuestion> questions;
  for (auto& [key, question] : perCpu_) {
    if (question.isSettled) continue;
    question.isSettled = true;
    open.push_back(&question);
    questions.push_back(questionOf(key));
  }
  const std::vector<unsigned> cpus = live_.cpus();
  std::vector<std::vector<CpuidRegisters>> said;
  said.reserve(cpus.size());
  const SelfDisarmed disarmed;
  for (const unsigned cpu : cpus)
    said.push_back(live_.cpuidOn(cpu, questions).value_or(std::vector<CpuidRegisters>{}));
  for (size_t at = 0; at < open.size(); ++at) {
    PerCpu& question = *open[at];
    const auto shown = [&](const std::vector<CpuidRegisters>& answers) {
      return applyRow(question.row, answers[at]);
    };
    // What couldn't be asked may differ.
    const bool isAlike =
        !said.empty() && std::all_of(said.begin(), said.end(), [&](const auto& answers) {
          return !answers.empty() && !said.front().empty() && shown(answers) == shown(said.front());
        });
    if (isAlike) {
      question.alike = said.front()[at];
      keptOfCpus_ -= question.byCpu.size();
      question.byCpu.clear();
      continue;
    }
    for (size_t place = 0; place < cpus.size(); ++place)
      if (!said[place].empty()) keepOf(question, cpus[place], said[place][at]);
  }
}

void Answers::keepOf(PerCpu& question, unsigned cpu, const CpuidRegisters& live) {
  if (keptOfCpus_ >= kMostOfCpus) return;
  if (question.byCpu.try_emplace(cpu, live).second) ++keptOfCpus_;
}

}  // namespace cpugate
