#include "answer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "../probe/enumerate.h"
#include "scoped_fd.h"

namespace cpugate {
namespace {

constexpr uint32_t kHypervisorLeaves = 0x40000000;
constexpr uint32_t kExtendedLeaves = 0x80000000;
constexpr uint32_t kCentaurLeaves = 0xc0000000;
/** A hypervisor that imitates another has its own leaves that far above. */
constexpr uint32_t kHypervisorStep = 0x100;
constexpr uint32_t kHypervisorBit = 1u << 31;

/** A question has so many places, one behind the other. */
constexpr size_t kWays = 4;
constexpr uint32_t kAnyCpu = 0xffffffff;
constexpr uint32_t kNoQuestion = 0xfffffffe;

/** More CPUs than Linux can be built for. */
constexpr unsigned kMaxCpus = 1 << 16;
using Word = unsigned long;
constexpr unsigned kWordBits = 8 * sizeof(Word);
using CpuSet = std::array<Word, kMaxCpus / kWordBits>;

/** Where this thread may run; comes back as it was. */
class AffinityKept {
 public:
  AffinityKept() : bytes_(syscall(SYS_sched_getaffinity, 0, sizeof(before_), before_.data())) {}
  ~AffinityKept() {
    if (bytes_ > 0) syscall(SYS_sched_setaffinity, 0, bytes_, before_.data());
  }
  AffinityKept(const AffinityKept&) = delete;
  AffinityKept& operator=(const AffinityKept&) = delete;

  bool isKnown() const { return bytes_ > 0; }

 private:
  CpuSet before_{};
  long bytes_;
};

bool moveTo(unsigned cpu) {
  CpuSet one{};
  one[cpu / kWordBits] = Word{1} << (cpu % kWordBits);
  const size_t bytes = (cpu / kWordBits + 1) * sizeof(Word);
  return syscall(SYS_sched_setaffinity, 0, bytes, one.data()) == 0;
}

/** AuthenticAMD, HygonGenuine. */
bool answersZerosBeyond(const CpuidRegisters& vendor) {
  return (vendor.ebx == 0x68747541 && vendor.edx == 0x69746e65 && vendor.ecx == 0x444d4163) ||
         (vendor.ebx == 0x6f677948 && vendor.edx == 0x6e65476e && vendor.ecx == 0x656e6975);
}

size_t homeOf(uint32_t leaf, uint32_t subleaf, uint32_t cpu) {
  const uint32_t mixed = leaf * 0x9e3779b1u ^ subleaf * 0x85ebca6bu ^ cpu * 0xc2b2ae35u;
  return (mixed ^ (mixed >> 15)) % (Answers::kPlaces / kWays) * kWays;
}

}  // namespace

CpuidRegisters executeCpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidRegisters live;
  __asm__ volatile("cpuid"
                   : "=a"(live.eax), "=b"(live.ebx), "=c"(live.ecx), "=d"(live.edx)
                   : "a"(leaf), "c"(subleaf));
  return live;
}

std::optional<CpuidRegisters> executeCpuidOn(unsigned cpu, uint32_t leaf, uint32_t subleaf) {
  const AffinityKept before;
  if (cpu >= kMaxCpus || !before.isKnown() || !moveTo(cpu)) return std::nullopt;
  const CpuidRegisters live = executeCpuid(leaf, subleaf);
  // A CPU that goes offline meanwhile sends its threads elsewhere.
  unsigned now = 0;
  if (syscall(SYS_getcpu, &now, nullptr, nullptr) != 0 || now != cpu) return std::nullopt;
  return live;
}

std::vector<unsigned> onlineCpus() {
  // Ranges and single numbers with commas between them (Documentation/admin-guide/cputopology.rst).
  const ScopedFd file(open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC));
  char text[4096];
  const ssize_t got = file.isOpen() ? read(file.get(), text, sizeof text - 1) : 0;
  if (got <= 0) return {};
  text[got] = '\0';
  std::vector<unsigned> cpus;
  for (const char* at = text; *at >= '0' && *at <= '9';) {
    char* end;
    const unsigned long first = strtoul(at, &end, 10);
    const unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;
    for (unsigned long cpu = first; cpu <= last && cpu < kMaxCpus; ++cpu) cpus.push_back(static_cast<unsigned>(cpu));
    at = *end == ',' ? end + 1 : end;
  }
  return cpus;
}

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

Answers::Answers(const Mask& mask, LiveCpu live)
    : mask_(mask),
      live_(std::move(live)),
      places_(kPlaces, Place{.leaf = 0, .subleaf = 0, .cpu = kNoQuestion, .live = {}}) {
  const CpuidRegisters first = applyRow(mask_.find(0, 0), live_.cpuid(0, 0));
  repeatsHighest_ = !answersZerosBeyond(first);
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
  if (!HasSubleaves(leaf)) subleaf = 0;
  const bool perCpu = (row->flags & kRowPerCpu) != 0;
  return applyRow(row, perCpu ? liveWhereTaskRuns(*row, leaf, subleaf, tid) : liveOf(leaf, subleaf));
}

CpuidRegisters Answers::liveOf(uint32_t leaf, uint32_t subleaf) {
  if (const Place* place = find(leaf, subleaf, kAnyCpu)) return place->live;
  const CpuidRegisters live = live_.cpuid(leaf, subleaf);
  keep({.leaf = leaf, .subleaf = subleaf, .cpu = kAnyCpu, .live = live});
  return live;
}

/**
 * Most hosts have CPUs of one kind: caches and TLBs, which ld.so asks for at every start, are told alike by
 * all of them. Where the task runs, which costs as much as a stop to find out, doesn't matter then.
 */
bool Answers::isAlikeEverywhere(const MaskRow& row, uint32_t leaf, uint32_t subleaf) {
  const std::vector<unsigned> cpus = live_.cpus();
  std::optional<CpuidRegisters> first;
  for (const unsigned cpu : cpus) {
    const auto live = live_.cpuidOn(cpu, leaf, subleaf);
    if (!live || (first && applyRow(&row, *live) != applyRow(&row, *first))) return false;
    first = live;
  }
  if (!first) return false;
  keep({.leaf = leaf, .subleaf = subleaf, .cpu = kAnyCpu, .live = *first});
  return true;
}

CpuidRegisters Answers::liveWhereTaskRuns(const MaskRow& row, uint32_t leaf, uint32_t subleaf, pid_t tid) {
  if (const Place* place = find(leaf, subleaf, kAnyCpu)) return place->live;
  constexpr size_t kMostQuestions = 256;
  if (asks_.size() < kMostQuestions) {
    uint32_t& asks = asks_[uint64_t{leaf} << 32 | subleaf];
    if (asks <= kAsksBeforeLook && ++asks == kAsksBeforeLook && isAlikeEverywhere(row, leaf, subleaf))
      return find(leaf, subleaf, kAnyCpu)->live;
  }
  const std::optional<unsigned> cpu = live_.cpuOf(tid);
  // Not known, or not ours to run on: any CPU's answer is better than none, but isn't kept.
  if (!cpu || *cpu >= kMaxCpus) return live_.cpuid(leaf, subleaf);
  if (const Place* place = find(leaf, subleaf, *cpu)) return place->live;
  const std::optional<CpuidRegisters> live = live_.cpuidOn(*cpu, leaf, subleaf);
  if (!live) return live_.cpuid(leaf, subleaf);
  keep({.leaf = leaf, .subleaf = subleaf, .cpu = *cpu, .live = *live});
  return *live;
}

const Answers::Place* Answers::find(uint32_t leaf, uint32_t subleaf, uint32_t cpu) const {
  const Place* place = &places_[homeOf(leaf, subleaf, cpu)];
  for (size_t way = 0; way < kWays; ++way, ++place)
    if (place->leaf == leaf && place->subleaf == subleaf && place->cpu == cpu) return place;
  return nullptr;
}

void Answers::keep(const Place& place) {
  const size_t home = homeOf(place.leaf, place.subleaf, place.cpu);
  for (size_t way = kWays - 1; way > 0; --way) places_[home + way] = places_[home + way - 1];
  places_[home] = place;
}

}  // namespace cpugate
