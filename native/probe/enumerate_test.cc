/** Enumerates CPUs that don't exist. Built and run by test/native/probe.test.ts. */
#include "enumerate.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "expect.h"

namespace cpugate {
namespace {

using Question = std::pair<uint32_t, uint32_t>;

constexpr uint32_t kHypervisorBit = 1U << 31;
constexpr uint32_t kOsxsaveBit = 1U << 27;

struct FakeCpu {
  std::map<Question, CpuidRegisters> answers = {};
  CpuidRegisters otherwise = {};  // What the CPU says to any other question.

  std::vector<Question> asked = {};
  std::vector<uint32_t> xcrsRead = {};

  Enumeration enumerate(const Enumeration* sibling = nullptr) {
    asked.clear();
    xcrsRead.clear();
    const Processor processor = {
        [this](uint32_t leaf, uint32_t subleaf) {
          asked.emplace_back(leaf, subleaf);
          const auto found = answers.find({leaf, subleaf});
          return found == answers.end() ? otherwise : found->second;
        },
        [this](uint32_t index) {
          xcrsRead.push_back(index);
          return uint64_t{0x100} + index;
        },
    };
    return cpugate::enumerate(processor, sibling);
  }
};

std::vector<Question> questionsOf(const std::vector<Row>& rows) {
  std::vector<Question> questions;
  questions.reserve(rows.size());
  for (const Row& row : rows) questions.emplace_back(row.leaf, row.subleaf);
  return questions;
}

std::vector<uint32_t> subleavesOf(const std::vector<Row>& rows, uint32_t leaf) {
  std::vector<uint32_t> subleaves;
  for (const Row& row : rows)
    if (row.leaf == leaf) subleaves.push_back(row.subleaf);
  return subleaves;
}

std::string text(const std::vector<uint32_t>& numbers) {
  std::string text = "[";
  for (uint32_t number : numbers) text += ' ' + std::to_string(number);
  return text + " ]";
}

void smallestCpu(Expectations& expect) {
  FakeCpu cpu{.answers = {{{0, 0}, {.eax = 1}}}};
  const Enumeration got = cpu.enumerate();
  expect.that(questionsOf(got.rows) ==
                  std::vector<Question>{{0, 0}, {1, 0}, {0x80000000, 0}, {0xc0000000, 0}},
              "leaves 0 and 1 and the first of each other range");
  expect.that(cpu.asked == questionsOf(got.rows), "nothing is asked that isn't kept");
  expect.that(cpu.xcrsRead.empty() && !got.xcr0 && !got.xinuse, "no XGETBV without OSXSAVE");
}

void extendedControlRegisters(Expectations& expect) {
  FakeCpu cpu{.answers = {{{0, 0}, {.eax = 0xd}},
                          {{1, 0}, {.ecx = kOsxsaveBit}},
                          {{0xd, 1}, {.eax = 0b011}}}};
  Enumeration got = cpu.enumerate();
  expect.that(got.xcr0 == 0x100U && !got.xinuse, "XCR0 only");
  expect.that(cpu.xcrsRead == std::vector<uint32_t>{0}, "XGETBV(1) isn't executed");
  cpu.answers[{0xd, 1}].eax = 0b100;
  got = cpu.enumerate();
  expect.that(got.xcr0 == 0x100U && got.xinuse == 0x101U, "XCR0 and XINUSE");
  cpu.answers[{1, 0}].ecx = 0;
  cpu.enumerate();
  expect.that(cpu.xcrsRead.empty(), "not even XGETBV(1) without OSXSAVE");
}

struct SubleafCase {
  const char* name;
  uint32_t leaf;
  std::map<uint32_t, CpuidRegisters> answers;  // by subleaf
  std::vector<uint32_t> expected;
};

/**
 * Each rule with and without more subleaves. What comes behind the last one must not be asked for.
 */
const SubleafCase kSubleafCases[] = {
    {"no rule", 0x5, {{0, {1, 1, 1, 1}}}, {0}},
    {"caches, none", 0x4, {}, {0}},
    {"caches", 0x4, {{0, {0x121}}, {1, {0x122}}, {2, {0x20}}, {3, {0x143}}}, {0, 1, 2}},
    {"features, none", 0x7, {{0, {0, 1, 1, 1}}}, {0}},
    {"features", 0x7, {{0, {2}}}, {0, 1, 2}},
    {"topology, none", 0xb, {}, {0}},
    {"topology",
     0xb,
     {{0, {.ecx = 0x100}}, {1, {.ecx = 0x201}}, {2, {.eax = 9, .ebx = 9, .ecx = 2}}},
     {0, 1, 2}},
    {"XSAVE, none", 0xd, {}, {0, 1}},
    {"XSAVE, user and supervisor state, with holes",
     0xd,
     {{0, {.eax = 0x207, .edx = 1U << 30}}, {1, {.ecx = 0x1800, .edx = 1}}},
     {0, 1, 2, 9, 11, 12, 32, 62}},
    {"XSAVE, bit 63 is no component", 0xd, {{0, {.eax = 3, .edx = 1U << 31}}}, {0, 1}},
    {"monitoring, none", 0xf, {{0, {.ebx = 0xff}}}, {0}},
    {"monitoring", 0xf, {{0, {.ebx = 0xff, .edx = 0b10}}}, {0, 1}},
    {"allocation", 0x10, {{0, {.ebx = 0b101110}}}, {0, 1, 2, 3, 5}},
    {"enclaves, none", 0x12, {}, {0, 1, 2}},
    {"enclaves", 0x12, {{0, {1}}, {2, {0x70000001}}, {3, {0x1}}}, {0, 1, 2, 3, 4}},
    {"trace", 0x14, {{0, {1}}}, {0, 1}},
    {"system on chip", 0x17, {{0, {3}}}, {0, 1, 2, 3}},
    {"address translation", 0x18, {{0, {8}}}, {0, 1, 2, 3, 4, 5, 6, 7, 8}},
    {"hybrid", 0x1a, {{0, {0x40000001}}}, {0}},
    {"targets, none", 0x1b, {}, {0}},
    {"targets", 0x1b, {{0, {1}}, {1, {1}}}, {0, 1, 2}},
    {"tiles", 0x1d, {{0, {1}}}, {0, 1}},
    {"tile multiplication", 0x1e, {{0, {1}}}, {0, 1}},
    {"topology 2", 0x1f, {{0, {.ecx = 0x100}}, {1, {.ecx = 0x301}}}, {0, 1, 2}},
    {"history reset", 0x20, {{0, {.ebx = 1}}}, {0}},
    {"performance monitoring", 0x23, {{0, {.eax = 0b111011}}}, {0, 1, 3, 4, 5}},
    {"AVX10", 0x24, {{0, {.eax = 1, .ebx = 2}}}, {0, 1}},
    {"own monitoring", 0x27, {{0, {.edx = 0b10}}}, {0, 1}},
    {"own allocation", 0x28, {{0, {.ebx = 0x40}}}, {0, 6}},
    {"APX", 0x29, {{0, {.eax = 0, .ebx = 1}}}, {0}},
    {"AMD caches", 0x8000001d, {{0, {0x121}}, {1, {0x143}}}, {0, 1, 2}},
    {"AMD bandwidth", 0x80000020, {{0, {.ebx = 0b101110}}}, {0, 1, 2, 3, 5}},
    {"AMD topology", 0x80000026, {{0, {.ecx = 0x100}}, {1, {.ecx = 0x201}}}, {0, 1, 2}},
};

void subleaves(Expectations& expect) {
  for (const SubleafCase& test : kSubleafCases) {
    FakeCpu cpu{.answers = {{{0, 0}, {.eax = 0x30}}, {{0x80000000, 0}, {.eax = 0x80000030}}}};
    for (const auto& [subleaf, answer] : test.answers) cpu.answers[{test.leaf, subleaf}] = answer;
    const auto got = subleavesOf(cpu.enumerate().rows, test.leaf);
    expect.that(got == test.expected,
                std::string(test.name) + " gives " + text(test.expected) + ", not " + text(got));
  }
}

/** Intel CPUs answer for leaves that they lack with the data of their last basic leaf. */
void rangesThatAreNotThere(Expectations& expect) {
  FakeCpu cpu{.answers = {{{0, 0}, {.eax = 2}}}, .otherwise = {0x10, 0x20, 0x30, 0x40}};
  cpu.answers[{1, 0}] = {};
  const auto got = questionsOf(cpu.enumerate().rows);
  expect.that(
      got == std::vector<Question>{{0, 0}, {1, 0}, {2, 0}, {0x80000000, 0}, {0xc0000000, 0}},
      "a range whose first leaf points outside has one row");
  cpu.answers[{0xc0000000, 0}] = {.eax = 0xc0000002};
  const auto centaur = cpu.enumerate().rows;
  expect.that(subleavesOf(centaur, 0xc0000002).size() == 1 && centaur.back().leaf == 0xc0000002,
              "one that points inside has all");
}

void hypervisors(Expectations& expect) {
  FakeCpu cpu{.answers = {{{0, 0}, {.eax = 1}}, {{0x40000000, 0}, {.eax = 0x40000003}}}};
  cpu.enumerate();
  for (const auto& [leaf, subleaf] : cpu.asked)
    expect.that(leaf < 0x40000000 || leaf >= 0x80000000, "no hypervisor, no question");
  cpu.answers[{1, 0}].ecx = kHypervisorBit;
  expect.that(questionsOf(cpu.enumerate().rows) == std::vector<Question>{{0, 0},
                                                                         {1, 0},
                                                                         {0x40000000, 0},
                                                                         {0x40000001, 0},
                                                                         {0x40000002, 0},
                                                                         {0x40000003, 0},
                                                                         {0x80000000, 0},
                                                                         {0xc0000000, 0}},
              "leaves up to EAX");
  cpu.answers[{0x40000000, 0}] = {.ebx = 0x4b4d564b};
  expect.that(subleavesOf(cpu.enumerate().rows, 0x40000001).size() == 1,
              "EAX 0 means one more leaf");
  cpu.answers[{0x40000100, 0}] = {.eax = 0x40000101};
  const auto nested = cpu.enumerate().rows;
  expect.that(subleavesOf(nested, 0x40000101).size() == 1, "a second hypervisor's leaves");
  expect.that(subleavesOf(nested, 0x40000200).empty(), "no row where there is no third");
  const Enumeration first = cpu.enumerate();
  const size_t before = cpu.asked.size();
  expect.that(questionsOf(cpu.enumerate(&first).rows) == questionsOf(first.rows),
              "a sibling has the same rows");
  expect.that(cpu.asked == questionsOf(first.rows) && cpu.asked.size() < before,
              "it is asked nothing else");
}

void expectOrderAndBounds(Expectations& expect, const std::vector<Row>& rows,
                          const std::string& of) {
  const auto questions = questionsOf(rows);
  const std::set<Question> ordered(questions.begin(), questions.end());
  expect.that(std::vector<Question>(ordered.begin(), ordered.end()) == questions,
              of + ": each row once, in order");
  std::map<uint32_t, unsigned> leavesOfRange;
  std::map<uint32_t, unsigned> subleavesOfLeaf;
  for (const auto& [leaf, subleaf] : questions) {
    if (subleaf == 0) ++leavesOfRange[leaf >> 30];
    ++subleavesOfLeaf[leaf];
  }
  for (const auto& [range, count] : leavesOfRange)
    expect.that(range == 1 || count <= kMaxLeavesPerRange, of + ": leaves are bounded");
  for (const auto& [leaf, count] : subleavesOfLeaf)
    expect.that(count <= kMaxSubleaves, of + ": subleaves are bounded");
}

void endlessAnswers(Expectations& expect) {
  FakeCpu cpu{.otherwise = {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}};
  const Enumeration got = cpu.enumerate();
  expectOrderAndBounds(expect, got.rows, "all ones");
  expect.that(subleavesOf(got.rows, 0x14).size() == kMaxSubleaves, "cut off at the limit");
  expect.that(subleavesOf(got.rows, kMaxLeavesPerRange - 1).size() == 1 &&
                  subleavesOf(got.rows, kMaxLeavesPerRange).empty(),
              "leaves cut off at the limit");
  expect.that(subleavesOf(got.rows, 0x80000001).empty(), "0xffffffff is outside every range");
  cpu.answers[{0x40000000, 0}] = {.eax = 0x4000ffff};
  expectOrderAndBounds(expect, cpu.enumerate().rows, "a hypervisor's huge maximum");
}

void randomAnswers(Expectations& expect) {
  std::mt19937 random(20240229);
  // Small numbers, so that all branches are met.
  const auto number = [&random] { return static_cast<uint32_t>(random()) >> (random() % 32); };
  for (int round = 0; round < 100; ++round) {
    const uint32_t last = static_cast<uint32_t>(random()) % 0x40;
    const Enumeration got = enumerate({
        [&](uint32_t leaf, uint32_t) {
          if (leaf == 0) return CpuidRegisters{.eax = last};
          return CpuidRegisters{number(), number(), number(), number()};
        },
        [](uint32_t) { return uint64_t{0}; },
    });
    expectOrderAndBounds(expect, got.rows, "random round " + std::to_string(round));
  }
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::smallestCpu(expect);
  cpugate::extendedControlRegisters(expect);
  cpugate::subleaves(expect);
  cpugate::rangesThatAreNotThere(expect);
  cpugate::hypervisors(expect);
  cpugate::endlessAnswers(expect);
  cpugate::randomAnswers(expect);
  return expect.conclude();
}
