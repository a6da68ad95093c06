#include "enumerate.h"

#include <algorithm>

namespace cpugate {
namespace {

/**
 * How a leaf tells which subleaves it has; src/catalogue/subleaves.ts has the same rows.
 * Sources: Intel SDM vol. 2A CPUID and the Architecture Instruction Set Extensions reference; AMD
 * APM vol. 3 appendix E.
 */
enum class Subleaves {
  kUpToEax,          // subleaf 0 EAX is the last one
  kBitsOfEax,        // subleaf 0 EAX has a bit for each
  kBitsOfEbx,        // subleaf 0 EBX has a bit for each but subleaf 0 itself
  kBitsOfEdx,        // subleaf 0 EDX likewise
  kUntilCacheType0,  // EAX[4:0] of the first that isn't there is 0
  kUntilLevelType0,  // ECX[15:8]
  kUntilTarget0,     // EAX[11:0]
  kEnclaves,         // 0 and 1, then memory sections from 2 on until EAX[3:0] is 0
  kState,            // 0 and 1, then a bit of 0.EDX:EAX or 1.EDX:ECX for each
};

struct LeafRule {
  uint32_t leaf;
  Subleaves subleaves;
};

/** Leaves that aren't here have no subleaves. */
constexpr LeafRule kRules[] = {
    {0x00000004, Subleaves::kUntilCacheType0},  // deterministic cache parameters
    {0x00000007, Subleaves::kUpToEax},          // features
    {0x0000000b, Subleaves::kUntilLevelType0},  // topology
    {0x0000000d, Subleaves::kState},            // XSAVE
    {0x0000000f, Subleaves::kBitsOfEdx},        // resource monitoring
    {0x00000010, Subleaves::kBitsOfEbx},        // resource allocation
    {0x00000012, Subleaves::kEnclaves},         // SGX
    {0x00000014, Subleaves::kUpToEax},          // processor trace
    {0x00000017, Subleaves::kUpToEax},          // system-on-chip vendor
    {0x00000018, Subleaves::kUpToEax},          // address translation
    {0x0000001b, Subleaves::kUntilTarget0},     // PCONFIG
    {0x0000001d, Subleaves::kUpToEax},          // tile palettes
    {0x0000001e, Subleaves::kUpToEax},          // tile multiplication
    {0x0000001f, Subleaves::kUntilLevelType0},  // topology, second version
    {0x00000020, Subleaves::kUpToEax},          // history reset
    {0x00000023, Subleaves::kBitsOfEax},        // performance monitoring
    {0x00000024, Subleaves::kUpToEax},          // AVX10
    {0x00000027, Subleaves::kBitsOfEdx},        // resource monitoring, a CPU's own
    {0x00000028, Subleaves::kBitsOfEbx},        // resource allocation, a CPU's own
    {0x00000029, Subleaves::kUpToEax},          // APX
    {0x8000001d, Subleaves::kUntilCacheType0},  // cache parameters, AMD
    {0x80000020, Subleaves::kBitsOfEbx},        // bandwidth enforcement, AMD
    {0x80000026, Subleaves::kUntilLevelType0},  // topology, AMD
};

const LeafRule* findRule(uint32_t leaf) {
  const auto* rule = std::find_if(std::begin(kRules), std::end(kRules),
                                  [leaf](const LeafRule& one) { return one.leaf == leaf; });
  return rule == std::end(kRules) ? nullptr : rule;
}

constexpr uint32_t kHypervisorLeaves = 0x40000000;
constexpr uint32_t kLastHypervisorBase = 0x40010000;
constexpr uint32_t kHypervisorStep = 0x100;
constexpr uint32_t kExtendedLeaves = 0x80000000;
constexpr uint32_t kCentaurLeaves = 0xc0000000;

constexpr bool hasBit(uint32_t value, unsigned bit) { return ((value >> bit) & 1) != 0; }

constexpr uint64_t join(uint32_t high, uint32_t low) { return (uint64_t{high} << 32) | low; }

class Enumerator {
 public:
  Enumerator(const Processor& processor, const Enumeration* sibling)
      : processor_(processor), sibling_(sibling) {}

  Enumeration run() {
    const uint32_t last = ask(0, 0).eax;
    askLeaves(1, std::min(last, kMaxLeavesPerRange - 1));
    const CpuidRegisters features = find(1, 0);
    // Leaf 1 ECX[31], kept free by both vendors: a hypervisor's leaves are there.
    if (hasBit(features.ecx, 31)) askHypervisors();
    askRange(kExtendedLeaves);
    askRange(kCentaurLeaves);
    readXcrs(features);
    return std::move(answers_);
  }

 private:
  CpuidRegisters ask(uint32_t leaf, uint32_t subleaf) {
    const CpuidRegisters answer = processor_.cpuid(leaf, subleaf);
    answers_.rows.push_back({leaf, subleaf, answer});
    return answer;
  }

  /** The answer to a question already asked; zeros otherwise. */
  CpuidRegisters find(uint32_t leaf, uint32_t subleaf) const {
    for (const Row& row : answers_.rows)
      if (row.leaf == leaf && row.subleaf == subleaf) return row.answer;
    return {};
  }

  void askLeaves(uint32_t first, uint32_t last) {
    for (uint32_t leaf = first; leaf <= last; ++leaf) askSubleaves(leaf);
  }

  /**
   * The range's first leaf is kept whatever it says: an answer outside the range (CPUs give the
   * data of their last basic leaf for leaves that they lack) tells that the range isn't there.
   */
  void askRange(uint32_t first) {
    const uint32_t last = ask(first, 0).eax;
    if (last < first || last - first > 0xffff) return;
    askLeaves(first + 1, first + std::min(last - first, kMaxLeavesPerRange - 1));
  }

  /**
   * A hypervisor that imitates another has leaves of its own 0x100 or more above
   * (Linux asm/cpuid/api.h, for_each_possible_cpuid_base_hypervisor).
   */
  void askHypervisors() {
    const uint32_t last = ask(kHypervisorLeaves, 0).eax;
    // An old KVM says 0 and has one leaf more (Linux Documentation/virt/kvm/x86/cpuid.rst).
    askLeaves(kHypervisorLeaves + 1,
              last == 0 ? kHypervisorLeaves + 1 : lastOfHypervisor(kHypervisorLeaves, last));
    for (const uint32_t base : furtherHypervisors()) {
      const CpuidRegisters answer = processor_.cpuid(base, 0);
      if (answer.eax < base || answer.eax - base >= kHypervisorStep) continue;
      answers_.rows.push_back({base, 0, answer});
      askLeaves(base + 1, lastOfHypervisor(base, answer.eax));
    }
  }

  /** First leaves where one may be: all possible ones, or those that a sibling has. */
  std::vector<uint32_t> furtherHypervisors() const {
    std::vector<uint32_t> bases;
    for (uint32_t base = kHypervisorLeaves + kHypervisorStep; base < kLastHypervisorBase;
         base += kHypervisorStep)
      if (sibling_ == nullptr || has(*sibling_, base)) bases.push_back(base);
    return bases;
  }

  static bool has(const Enumeration& answers, uint32_t leaf) {
    return std::any_of(answers.rows.begin(), answers.rows.end(),
                       [leaf](const Row& row) { return row.leaf == leaf; });
  }

  static uint32_t lastOfHypervisor(uint32_t base, uint32_t last) {
    if (last < base || last - base > 0xffff) return base;
    return std::min(last, base + kHypervisorStep - 1);
  }

  void askSubleaves(uint32_t leaf) {
    const CpuidRegisters first = ask(leaf, 0);
    const LeafRule* rule = findRule(leaf);
    if (rule == nullptr) return;
    switch (rule->subleaves) {
      case Subleaves::kUpToEax:
        return askUpTo(leaf, first.eax);
      case Subleaves::kBitsOfEax:
        return askBits(leaf, first.eax, 1);
      case Subleaves::kBitsOfEbx:
        return askBits(leaf, first.ebx, 1);
      case Subleaves::kBitsOfEdx:
        return askBits(leaf, first.edx, 1);
      case Subleaves::kUntilCacheType0:
        return askWhile(leaf, first, 1,
                        [](const CpuidRegisters& a) { return (a.eax & 0x1f) != 0; });
      case Subleaves::kUntilLevelType0:
        return askWhile(leaf, first, 1,
                        [](const CpuidRegisters& a) { return (a.ecx & 0xff00) != 0; });
      case Subleaves::kUntilTarget0:
        return askWhile(leaf, first, 1,
                        [](const CpuidRegisters& a) { return (a.eax & 0xfff) != 0; });
      case Subleaves::kEnclaves:
        ask(leaf, 1);
        return askWhile(leaf, ask(leaf, 2), 3,
                        [](const CpuidRegisters& a) { return (a.eax & 0xf) != 0; });
      case Subleaves::kState: {
        const CpuidRegisters second = ask(leaf, 1);
        // Bit 63 is the compacted format's mark, never a component.
        const uint64_t components =
            (join(first.edx, first.eax) | join(second.edx, second.ecx)) & ~(1ULL << 63);
        return askBits(leaf, components, 2);
      }
    }
  }

  void askUpTo(uint32_t leaf, uint32_t last) {
    for (uint32_t subleaf = 1; subleaf <= last && subleaf < kMaxSubleaves; ++subleaf)
      ask(leaf, subleaf);
  }

  void askBits(uint32_t leaf, uint64_t bits, uint32_t first) {
    for (uint32_t bit = first; bit < kMaxSubleaves; ++bit)
      if (((bits >> bit) & 1) != 0) ask(leaf, bit);
  }

  void askWhile(uint32_t leaf, CpuidRegisters answer, uint32_t next,
                bool (*more)(const CpuidRegisters&)) {
    for (uint32_t subleaf = next; more(answer) && subleaf < kMaxSubleaves; ++subleaf)
      answer = ask(leaf, subleaf);
  }

  void readXcrs(const CpuidRegisters& features) {
    if (!hasBit(features.ecx, 27)) return;  // OSXSAVE: without it XGETBV gives #UD
    answers_.xcr0 = processor_.xgetbv(0);
    // Leaf 0xD.1 EAX[2]: XGETBV takes index 1 too.
    if (hasBit(find(0xd, 1).eax, 2)) answers_.xinuse = processor_.xgetbv(1);
  }

  const Processor& processor_;
  const Enumeration* sibling_;
  Enumeration answers_;
};

}  // namespace

Enumeration enumerate(const Processor& processor, const Enumeration* sibling) {
  return Enumerator(processor, sibling).run();
}

bool hasSubleaves(uint32_t leaf) { return findRule(leaf) != nullptr; }

}  // namespace cpugate
