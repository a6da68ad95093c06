#include "leaves.h"

#include <algorithm>
#include <cstddef>

namespace cpugate {
namespace {

/** First leaf of each range, whose EAX is the range's highest leaf. */
constexpr uint32_t kRanges[] = {0x00000000, 0x40000000, 0x80000000, 0x8c860000, 0xc0000000};

uint32_t rangeOf(uint32_t leaf) {
  return *std::find_if(std::rbegin(kRanges), std::rend(kRanges),
                       [leaf](uint32_t start) { return start <= leaf; });
}

/**
 * A range whose first leaf answers with a number outside the range isn't there: CPUs give the data
 * of their last basic leaf for it. A range whose first leaf wasn't asked is taken as it is.
 */
bool exists(const Enumeration& answers, uint32_t leaf) {
  const uint32_t start = rangeOf(leaf);
  const CpuidRegisters* first = findRow(answers, start, 0);
  if (first == nullptr) return true;
  return (start == 0 || rangeOf(first->eax) == start) && leaf <= first->eax;
}

/** src/catalogue/per-cpu-fields.ts: bits that tell one CPU of a host from another. */
struct PerCpuField {
  uint32_t leaf;
  CpuidRegisters bits;
};

constexpr PerCpuField kPerCpuFields[] = {
    {0x00000001, {.ebx = 0xff000000}},                                        // initial APIC id
    {0x00000006, {.edx = 0xffff0000}},                                        // hardware feedback
    {0x0000000b, {.edx = 0xffffffff}},                                        // x2APIC id
    {0x0000001f, {.edx = 0xffffffff}},                                        // x2APIC id
    {0x8000001e, {.eax = 0xffffffff, .ebx = 0x000000ff, .ecx = 0x000000ff}},  // core, node
    {0x80000026, {.edx = 0xffffffff}},                                        // extended APIC id
};

CpuidRegisters withoutPerCpuFields(const Row& row) {
  CpuidRegisters shown = row.answer;
  for (const auto& [leaf, bits] : kPerCpuFields) {
    if (leaf != row.leaf) continue;
    shown.eax &= ~bits.eax;
    shown.ebx &= ~bits.ebx;
    shown.ecx &= ~bits.ecx;
    shown.edx &= ~bits.edx;
  }
  return shown;
}

/** What tells CPUs apart: above its highest leaf a CPU repeats another, its own ids included. */
std::vector<Row> shownRows(const Enumeration& answers) {
  std::vector<Row> rows;
  for (const Row& row : answers.rows)
    if (exists(answers, row.leaf))
      rows.push_back({row.leaf, row.subleaf, withoutPerCpuFields(row)});
  return rows;
}

bool areAlike(const std::vector<Row>& a, const std::vector<Row>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Row& x, const Row& y) {
    return x.leaf == y.leaf && x.subleaf == y.subleaf && x.answer == y.answer;
  });
}

}  // namespace

const CpuidRegisters* findRow(const Enumeration& answers, uint32_t leaf, uint32_t subleaf) {
  for (const Row& row : answers.rows)
    if (row.leaf == leaf && row.subleaf == subleaf) return &row.answer;
  return nullptr;
}

const CpuidRegisters* findAnswer(const Enumeration& answers, uint32_t leaf, uint32_t subleaf) {
  return exists(answers, leaf) ? findRow(answers, leaf, subleaf) : nullptr;
}

std::vector<CpuGroup> groupCpus(const std::vector<CpuAnswers>& cpus) {
  std::vector<CpuGroup> groups;
  std::vector<std::vector<Row>> shown;
  for (const CpuAnswers& cpu : cpus) {
    if (cpu.error != 0) continue;
    const std::vector<Row> rows = shownRows(cpu.answers);
    size_t place = 0;
    while (place < groups.size() &&
           !(groups[place].answers->xcr0 == cpu.answers.xcr0 && areAlike(shown[place], rows)))
      ++place;
    if (place == groups.size()) {
      groups.push_back({.answers = &cpu.answers, .logical = {}});
      shown.push_back(rows);
    }
    groups[place].logical.push_back(cpu.cpu);
  }
  for (CpuGroup& group : groups) std::sort(group.logical.begin(), group.logical.end());
  return groups;
}

}  // namespace cpugate
