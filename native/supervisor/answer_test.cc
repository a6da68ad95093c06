/** Masks over CPUs that don't exist. Built and run by test/native/supervisor.test.ts. */
#include "answer.h"

#include <map>
#include <random>
#include <string>
#include <utility>

#include "../probe/expect.h"

namespace cpugate {
namespace {

using Question = std::pair<uint32_t, uint32_t>;

constexpr CpuidRegisters kIntel{
    .eax = 0x1f, .ebx = 0x756e6547, .ecx = 0x6c65746e, .edx = 0x49656e69};
constexpr CpuidRegisters kAmd{.eax = 0x10, .ebx = 0x68747541, .ecx = 0x444d4163, .edx = 0x69746e65};
constexpr CpuidRegisters kHygon{
    .eax = 0x10, .ebx = 0x6f677948, .ecx = 0x656e6975, .edx = 0x6e65476e};
constexpr uint32_t kHypervisorBit = 1u << 31;
constexpr uint32_t kEvery = ~0u;
constexpr pid_t kTask = 1;

/** What each register of a leaf and subleaf holds unless told otherwise. */
CpuidRegisters mark(uint32_t leaf, uint32_t subleaf) {
  const uint32_t word = 0x01000000 | leaf << 8 | (subleaf & 0xff);
  return {.eax = word, .ebx = word + 1, .ecx = word + 2, .edx = word + 3};
}

struct FakeCpu {
  std::map<Question, CpuidRegisters> told = {};
  uint32_t highest = 0x1f;
  bool repeats = true;
  /** Where the task runs, and whether the supervisor may go there. */
  std::optional<unsigned> cpu = 3;
  bool isReachable = true;

  /** How often each question was asked where the supervisor runs. */
  std::map<Question, int> asked = {};
  int executed = 0;
  /** Visits to CPUs, and questions asked there. */
  int moved = 0;
  int executedThere = 0;
  int located = 0;
  std::vector<unsigned> all = {};
  bool cachesAreAlike = false;

  CpuidRegisters say(uint32_t leaf, uint32_t subleaf) const {
    const auto found = told.find({leaf, subleaf});
    if (found != told.end()) return found->second;
    const bool isThere = leaf <= highest || (leaf > 0x80000000 && leaf <= 0x80000008);
    if (isThere) return mark(leaf, subleaf);
    return repeats ? mark(highest, subleaf) : CpuidRegisters{};
  }

  LiveCpu live() {
    return {
        .cpuid =
            [this](uint32_t leaf, uint32_t subleaf) {
              ++executed;
              ++asked[{leaf, subleaf}];
              return say(leaf, subleaf);
            },
        .cpuidOn = [this](unsigned on, const std::vector<CpuidQuestion>& questions)
            -> std::optional<std::vector<CpuidRegisters>> {
          ++moved;
          if (!isReachable) return std::nullopt;
          std::vector<CpuidRegisters> answers;
          for (const auto [leaf, subleaf] : questions) {
            ++executedThere;
            answers.push_back(say(leaf, subleaf));
            if (!cachesAreAlike || leaf != 4) answers.back().ebx = on << 24;
          }
          return answers;
        },
        .cpuOf =
            [this](pid_t) {
              ++located;
              return cpu;
            },
        .cpus = [this] { return all; },
    };
  }
};

FakeCpu intel() { return {.told = {{{0, 0}, kIntel}, {{0x80000000, 0}, {.eax = 0x80000008}}}}; }

FakeCpu amd(const CpuidRegisters& vendor = kAmd) {
  return {.told = {{{0, 0}, vendor}, {{0x80000000, 0}, {.eax = 0x80000008}}},
          .highest = 0x10,
          .repeats = false};
}

MaskRow row(uint32_t leaf, uint32_t keep = kEvery, uint32_t flags = 0, uint32_t first = 0,
            uint32_t last = kEvery) {
  return {.leaf = leaf,
          .firstSubleaf = first,
          .lastSubleaf = last,
          .flags = flags,
          .keep = {keep, keep, keep, keep},
          .set = {}};
}

/** The first leaves of all ranges, and these, in order. */
Mask maskWith(std::vector<MaskRow> rows) {
  Mask mask;
  for (uint32_t first : {0u, 0x80000000u, 0xc0000000u}) rows.push_back(row(first));
  for (const MaskRow& one : rows) {
    auto place = mask.rows.begin();
    while (place != mask.rows.end() &&
           Question{place->leaf, place->firstSubleaf} < Question{one.leaf, one.firstSubleaf})
      ++place;
    mask.rows.insert(place, one);
  }
  return mask;
}

CpuidRegisters kept(const CpuidRegisters& live, uint32_t keep) {
  return {live.eax & keep, live.ebx & keep, live.ecx & keep, live.edx & keep};
}

void rowsKeepAndSet(Expectations& expect) {
  MaskRow one = row(7);
  const uint32_t keep[] = {0, 0xf0f0f0f0, kEvery, 0x0000ffff};
  const uint32_t set[] = {5, 0x0000000f, 0, 0xffff0000};
  for (int place = 0; place < 4; ++place) {
    one.keep[place] = keep[place];
    one.set[place] = set[place];
  }
  const CpuidRegisters live{.eax = kEvery, .ebx = 0x12345678, .ecx = 0x9abcdef0, .edx = 0x12345678};
  const CpuidRegisters want{.eax = 5, .ebx = 0x1030507f, .ecx = 0x9abcdef0, .edx = 0xffff5678};
  expect.that(applyRow(&one, live) == want, "(live & keep) | set");
  expect.that(applyRow(nullptr, live) == CpuidRegisters{}, "zeros without a row");
}

struct Case {
  const char* what;
  FakeCpu cpu;
  Mask mask;
  Question question;
  CpuidRegisters answer;
};

Mask withBasicMaximum(uint32_t keep, uint32_t set, std::vector<MaskRow> rows) {
  Mask mask = maskWith(std::move(rows));
  mask.rows[0].keep[0] = keep;
  mask.rows[0].set[0] = set;
  return mask;
}

FakeCpu guest(FakeCpu cpu, std::map<Question, CpuidRegisters> more) {
  cpu.told[{1, 0}] = {.ecx = kHypervisorBit};
  cpu.told.merge(more);
  return cpu;
}

const std::vector<MaskRow> kHypervisorRows = {row(0x40000000), row(0x40000001), row(0x40000002),
                                              row(0x40000100), row(0x40000101), row(0x1f, 0xff)};

const Case kCases[] = {
    {"leaf 0", intel(), maskWith({}), {0, 0}, kIntel},
    {"a row's leaf", intel(), maskWith({row(7, 0xff)}), {7, 0}, kept(mark(7, 0), 0xff)},
    {"its subleaf", intel(), maskWith({row(7, 0xff)}), {7, 2}, kept(mark(7, 2), 0xff)},
    {"no row", intel(), maskWith({}), {7, 0}, {}},
    {"no row for the subleaf", intel(), maskWith({row(7, kEvery, 0, 0, 1)}), {7, 2}, {}},
    {"an empty mask", intel(), {}, {0, 0}, {}},
    {"an empty mask, beyond", intel(), {}, {0x100, 0}, {}},

    {"Intel, beyond the basic leaves: the highest one, by its row",
     intel(),
     maskWith({row(0x1f, 0xf0)}),
     {0x20, 0},
     kept(mark(0x1f, 0), 0xf0)},
    {"and its subleaf",
     intel(),
     maskWith({row(0x1f, 0xff)}),
     {0x3fffffff, 5},
     kept(mark(0x1f, 5), 0xff)},
    {"and nothing where it has no row", intel(), maskWith({}), {0x20, 0}, {}},
    {"a row beyond keeps no bits of the leaf that is repeated",
     intel(),
     maskWith({row(0x1f, 0xf0), row(0x24)}),
     {0x24, 0},
     kept(mark(0x1f, 0), 0xf0)},
    {"Intel, beyond the extended leaves",
     intel(),
     maskWith({row(0x1f, 0xf0), row(0x80000009)}),
     {0x80000009, 0},
     kept(mark(0x1f, 0), 0xf0)},
    {"within them",
     intel(),
     maskWith({row(0x80000008, 0xf)}),
     {0x80000008, 0},
     kept(mark(0x80000008, 0), 0xf)},
    {"within them, no row", intel(), maskWith({row(0x1f)}), {0x80000007, 0}, {}},
    {"Intel has no Centaur leaves",
     intel(),
     maskWith({row(0x1f, 0xf0)}),
     {0xc0000000, 0},
     kept(mark(0x1f, 0), 0xf0)},
    {"nor any elsewhere",
     intel(),
     maskWith({row(0x1f, 0xf0), row(0x60000000)}),
     {0x60000000, 0},
     kept(mark(0x1f, 0), 0xf0)},
    {"up to the last",
     intel(),
     maskWith({row(0x1f, 0xf0), row(kEvery)}),
     {kEvery, kEvery},
     kept(mark(0x1f, kEvery), 0xf0)},

    {"AMD, beyond the basic leaves", amd(), maskWith({row(0x10), row(0x11)}), {0x11, 0}, {}},
    {"AMD, beyond the extended ones",
     amd(),
     maskWith({row(0x10), row(0x80000009)}),
     {0x80000009, 0},
     {}},
    {"AMD, Centaur's", amd(), maskWith({row(0x10)}), {0xc0000000, 0}, {}},
    {"AMD, within", amd(), maskWith({row(0x10, 0xff)}), {0x10, 1}, kept(mark(0x10, 1), 0xff)},
    {"Hygon, beyond", amd(kHygon), maskWith({row(0x10)}), {0x11, 0}, {}},
    {"Hygon, leaf 0", amd(kHygon), maskWith({}), {0, 0}, kHygon},

    {"a lowered maximum hides what is above",
     intel(),
     withBasicMaximum(0, 0xd, {row(0xd, 0xff), row(0x14)}),
     {0x14, 0},
     kept(mark(0xd, 0), 0xff)},
    {"and below nothing",
     intel(),
     withBasicMaximum(0, 0xd, {row(0xd, 0xff), row(0x14)}),
     {0xd, 1},
     kept(mark(0xd, 1), 0xff)},
    {"a raised maximum shows no other leaf's bits",
     intel(),
     withBasicMaximum(0, 0x24, {row(0x24)}),
     {0x24, 0},
     {}},
    {"nor does what is beyond it",
     intel(),
     withBasicMaximum(0, 0x24, {row(0x24), row(0x1f)}),
     {0x25, 0},
     {}},
    {"no basic maximum that makes sense",
     intel(),
     withBasicMaximum(0, 0x80000000, {row(7)}),
     {7, 0},
     {}},

    {"a hypervisor's leaf",
     guest(intel(), {{{0x40000000, 0}, {.eax = 0x40000001, .ebx = 0x4b4d564b}},
                     {{0x40000001, 0}, {.eax = 0x1007efb}}}),
     maskWith(kHypervisorRows),
     {0x40000001, 0},
     {.eax = 0x1007efb}},
    {"beyond its highest",
     guest(intel(), {{{0x40000000, 0}, {.eax = 0x40000001}}}),
     maskWith(kHypervisorRows),
     {0x40000002, 0},
     kept(mark(0x1f, 0), 0xff)},
    {"old KVM, which tells no highest",
     guest(intel(), {{{0x40000000, 0}, {.ebx = 0x4b4d564b}}, {{0x40000001, 0}, {.eax = 9}}}),
     maskWith(kHypervisorRows),
     {0x40000001, 0},
     {.eax = 9}},
    {"beyond old KVM's",
     guest(intel(), {{{0x40000000, 0}, {.ebx = 0x4b4d564b}}}),
     maskWith(kHypervisorRows),
     {0x40000002, 0},
     kept(mark(0x1f, 0), 0xff)},
    {"a second hypervisor's",
     guest(intel(), {{{0x40000000, 0}, {.eax = 0x4000000a}},
                     {{0x40000100, 0}, {.eax = 0x40000101}},
                     {{0x40000101, 0}, {.eax = 7}}}),
     maskWith(kHypervisorRows),
     {0x40000101, 0},
     {.eax = 7}},
    {"no second one",
     guest(intel(), {{{0x40000000, 0}, {.eax = 0x40000001}}}),
     maskWith(kHypervisorRows),
     {0x40000100, 0},
     kept(mark(0x1f, 0), 0xff)},
    {"no hypervisor",
     intel(),
     maskWith(kHypervisorRows),
     {0x40000000, 0},
     kept(mark(0x1f, 0), 0xff)},
    {"no hypervisor on AMD", amd(), maskWith(kHypervisorRows), {0x40000000, 0}, {}},
};

std::string text(const CpuidRegisters& a) {
  char words[64];
  std::snprintf(words, sizeof words, "%x %x %x %x", a.eax, a.ebx, a.ecx, a.edx);
  return words;
}

void answersFollowMaskAndRange(Expectations& expect) {
  for (const Case& test : kCases) {
    FakeCpu cpu = test.cpu;
    Answers answers(test.mask, cpu.live());
    const auto [leaf, subleaf] = test.question;
    for (const char* time : {"", ", once more"}) {
      const CpuidRegisters got = answers.answer(leaf, subleaf, kTask);
      expect.that(got == test.answer, std::string(test.what) + time + ": " + text(got));
    }
  }
}

void cpuidIsExecutedOnce(Expectations& expect) {
  FakeCpu cpu = intel();
  const Mask mask = maskWith({row(7, 0xff), row(0x1f)});
  Answers answers(mask, cpu.live());
  const int before = cpu.executed;
  for (int time = 0; time < 100; ++time)
    for (uint32_t subleaf : {0u, 1u}) answers.answer(7, subleaf, kTask);
  expect.that(cpu.executed == before + 2, "once a subleaf");
  expect.that(cpu.moved == 0 && cpu.located == 0, "wherever the supervisor runs");
}

/** Compilers leave ECX alone where a leaf has no subleaves. */
void ecxThatDoesntMatterCostsNothing(Expectations& expect) {
  FakeCpu cpu = intel();
  const Mask mask = maskWith({row(0x16), row(0x80000002)});
  Answers answers(mask, cpu.live());
  const int before = cpu.executed;
  for (uint32_t ecx = 0; ecx < 1000; ++ecx)
    for (uint32_t leaf : {0x16u, 0x80000002u})
      if (answers.answer(leaf, ecx * 7919, kTask) != mark(leaf, 0))
        return expect.that(false, "the leaf's own answer");
  expect.that(cpu.executed == before + 2, "once a leaf");
}

void leavesWithoutARowAreNeverExecuted(Expectations& expect) {
  FakeCpu cpu = amd();
  const Mask mask = maskWith({row(7)});
  Answers answers(mask, cpu.live());
  const int before = cpu.executed;
  std::mt19937 random(1);
  bool allZero = true;
  for (int trial = 0; trial < 100'000; ++trial) {
    uint32_t leaf = static_cast<uint32_t>(random());
    if (trial % 2 == 0) leaf %= 0x11;
    if (mask.find(leaf, 0) != nullptr) continue;
    allZero =
        allZero && answers.answer(leaf, static_cast<uint32_t>(random()), kTask) == CpuidRegisters{};
  }
  expect.that(allZero, "zeros");
  expect.that(cpu.executed == before && cpu.located == 0, "without CPUID");
}

void noAnswerIsAskedForTwice(Expectations& expect) {
  FakeCpu cpu = guest(
      intel(), {{{0x40000000, 0}, {.eax = 0x40000001}}, {{0x40000100, 0}, {.eax = 0x40000101}}});
  std::vector<MaskRow> rows = kHypervisorRows;
  for (const uint32_t leaf : {7u, 0xdu, 0x14u, 0x80000006u}) rows.push_back(row(leaf));
  const Mask mask = maskWith(rows);
  Answers answers(mask, cpu.live());
  const auto askUsual = [&] {
    for (const uint32_t leaf : {0u, 7u, 0xdu, 0x14u, 0x40000000u, 0x40000001u, 0x40000101u,
                                0x80000000u, 0x80000006u, 0xc0000000u})
      for (uint32_t subleaf = 0; subleaf < 64; ++subleaf) answers.answer(leaf, subleaf, kTask);
  };
  askUsual();
  // Whatever some task asks beyond, it drives nothing out.
  for (uint32_t subleaf = 64; subleaf < 50'000; ++subleaf) answers.answer(0xd, subleaf, kTask);
  askUsual();
  for (const auto& [question, times] : cpu.asked)
    if (times != 1)
      expect.that(false, std::to_string(question.first) + '.' + std::to_string(question.second) +
                             " was asked " + std::to_string(times) + " times");
  expect.that(cpu.asked.size() > 200, "these were asked: " + std::to_string(cpu.asked.size()));
}

/** What is kept has its limits, and answers stay right. */
void anyNumberOfQuestionsIsAnswered(Expectations& expect) {
  FakeCpu cpu = intel();
  const Mask mask = maskWith({row(4, kEvery, kRowPerCpu), row(0xd), row(0x80000006)});
  Answers answers(mask, cpu.live());
  std::mt19937 random(2);
  for (int trial = 0; trial < 300'000; ++trial) {
    const uint32_t leaf = trial % 3 == 0 ? 4 : 0xd;
    const uint32_t subleaf = trial % 2 == 0 ? static_cast<uint32_t>(random()) : random() % 8;
    cpu.cpu = static_cast<unsigned>(random() % 200);
    CpuidRegisters want = mark(leaf, subleaf);
    if (leaf == 4) want.ebx = *cpu.cpu << 24;
    if (answers.answer(leaf, subleaf, kTask) != want)
      return expect.that(false, "another question's answer");
  }
  expect.that(true, "each by its own answer");
}

void usualQuestionsAreKept(Expectations& expect) {
  FakeCpu cpu = intel();
  const Mask mask = maskWith({row(1, kEvery, kRowPerCpu), row(4, kEvery, kRowPerCpu),
                              row(0xb, kEvery, kRowPerCpu), row(7), row(0xd)});
  Answers answers(mask, cpu.live());
  constexpr int kCpus = 96;
  const auto askAll = [&] {
    for (unsigned number = 0; number < kCpus; ++number) {
      cpu.cpu = number;
      answers.answer(1, 0, kTask);
      for (uint32_t subleaf = 0; subleaf < 5; ++subleaf) answers.answer(4, subleaf, kTask);
      for (uint32_t subleaf = 0; subleaf < 3; ++subleaf) answers.answer(0xb, subleaf, kTask);
    }
  };
  askAll();
  expect.that(cpu.moved == kCpus * 9, "each CPU is asked");
  cpu.moved = 0;
  askAll();
  expect.that(cpu.moved == 0, "never again: " + std::to_string(cpu.moved));
}

void perCpuAnswersComeFromTheTasksCpu(Expectations& expect) {
  FakeCpu cpu = intel();
  const Mask mask = maskWith({row(1, kEvery, kRowPerCpu), row(7)});
  Answers answers(mask, cpu.live());
  for (unsigned number : {3u, 5u, 3u, 5u}) {
    cpu.cpu = number;
    expect.that(answers.answer(1, 0, kTask).ebx == number << 24, "its number");
  }
  expect.that(cpu.moved == 2, "each CPU is asked once");
  expect.that(cpu.located == 4, "the task is found each time");
}

void cpusAreVisitedOnceForAllQuestions(Expectations& expect) {
  FakeCpu cpu = intel();
  cpu.cpu = 40;
  for (unsigned number = 0; number < 96; ++number) cpu.all.push_back(number);
  const Mask mask = maskWith(
      {row(1, kEvery, kRowPerCpu), row(4, kEvery, kRowPerCpu), row(0xb, kEvery, kRowPerCpu)});
  Answers answers(mask, cpu.live());
  for (uint32_t subleaf = 0; subleaf < 4; ++subleaf) answers.answer(4, subleaf, kTask);
  for (uint32_t time = 0; time < Answers::kAsksBeforeVisit; ++time) answers.answer(0xb, 0, kTask);
  expect.that(cpu.moved == 5 + 96, "each CPU at one visit: " + std::to_string(cpu.moved));
  expect.that(cpu.executedThere == 5 + 96 * 5, "for all that was asked so far");
  cpu.moved = cpu.executed = 0;
  for (const unsigned number : cpu.all) {
    cpu.cpu = number;
    for (uint32_t subleaf = 0; subleaf < 4; ++subleaf)
      expect.that(answers.answer(4, subleaf, kTask).ebx == number << 24, "its own answer");
    expect.that(answers.answer(0xb, 0, kTask).ebx == number << 24, "its own answer");
  }
  expect.that(cpu.moved == 0 && cpu.executed == 0, "and then never again");
}

void cpusThatAnswerAlikeNeedNoTask(Expectations& expect) {
  const Mask mask = maskWith({row(1, kEvery, kRowPerCpu), row(4, kEvery, kRowPerCpu)});
  for (const bool alike : {true, false}) {
    FakeCpu cpu = intel();
    cpu.all = {0, 1, 5};
    cpu.cachesAreAlike = alike;
    cpu.cpu = 5;
    Answers answers(mask, cpu.live());
    for (uint32_t time = 0; time < Answers::kAsksBeforeVisit; ++time) answers.answer(4, 0, kTask);
    cpu.located = 0;
    const CpuidRegisters answer = answers.answer(4, 0, kTask);
    expect.that(cpu.located == (alike ? 0 : 1), alike ? "not looked for" : "looked for");
    expect.that(alike ? answer == mark(4, 0) : answer.ebx == 5u << 24,
                "the task's own CPU's answer");
    for (uint32_t time = 0; time < 2 * Answers::kAsksBeforeVisit; ++time)
      expect.that(answers.answer(1, 0, kTask).ebx == 5u << 24, "numbers are never alike");
  }
  FakeCpu cpu = intel();
  cpu.all = {0, 1};
  cpu.cachesAreAlike = true;
  cpu.isReachable = false;
  Answers answers(mask, cpu.live());
  for (uint32_t time = 0; time < 2 * Answers::kAsksBeforeVisit; ++time) answers.answer(4, 0, kTask);
  expect.that(cpu.located == 2 * static_cast<int>(Answers::kAsksBeforeVisit),
              "a CPU out of reach may differ");
}

/** A supervisor that may run on some of the CPUs asks none of them time and again. */
void cpusOutOfReachTakeWhatIsKept(Expectations& expect) {
  FakeCpu cpu = intel();
  const Mask mask = maskWith({row(1, kEvery, kRowPerCpu)});
  Answers answers(mask, cpu.live());
  answers.answer(1, 0, kTask);
  cpu.isReachable = false;
  cpu.cpu = 9;
  cpu.executed = 0;
  for (int time = 0; time < 100; ++time)
    expect.that(answers.answer(1, 0, kTask).ebx == 3u << 24, "another CPU's answer");
  expect.that(cpu.executed == 0, "which is kept");
}

void cpusOutOfReachAreMadeUpFor(Expectations& expect) {
  FakeCpu cpu = intel();
  const Mask mask = maskWith({row(1, kEvery, kRowPerCpu)});
  Answers answers(mask, cpu.live());
  cpu.isReachable = false;
  expect.that(answers.answer(1, 0, kTask) == mark(1, 0), "another CPU's answer");
  cpu.cpu = std::nullopt;
  expect.that(answers.answer(1, 0, kTask) == mark(1, 0), "the task is gone");
  cpu.cpu = 0xfffffffe;
  expect.that(answers.answer(1, 0, kTask) == mark(1, 0), "a number that no CPU has");
  cpu.cpu = 3;
  cpu.isReachable = true;
  expect.that(answers.answer(1, 0, kTask).ebx == 3u << 24, "which isn't kept");
}

void thisCpuAnswers(Expectations& expect) {
  const Mask mask = maskWith({row(0x80000002), row(0x80000003), row(0x80000004)});
  Answers answers(mask);
  for (uint32_t leaf : {0u, 0x80000000u, 0x80000002u, 0x80000003u, 0x80000004u})
    expect.that(answers.answer(leaf, 0, kTask) == executeCpuid(leaf, 0), "all is kept");
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::rowsKeepAndSet(expect);
  cpugate::answersFollowMaskAndRange(expect);
  cpugate::cpuidIsExecutedOnce(expect);
  cpugate::ecxThatDoesntMatterCostsNothing(expect);
  cpugate::leavesWithoutARowAreNeverExecuted(expect);
  cpugate::noAnswerIsAskedForTwice(expect);
  cpugate::anyNumberOfQuestionsIsAnswered(expect);
  cpugate::usualQuestionsAreKept(expect);
  cpugate::perCpuAnswersComeFromTheTasksCpu(expect);
  cpugate::cpusAreVisitedOnceForAllQuestions(expect);
  cpugate::cpusThatAnswerAlikeNeedNoTask(expect);
  cpugate::cpusOutOfReachTakeWhatIsKept(expect);
  cpugate::cpusOutOfReachAreMadeUpFor(expect);
  cpugate::thisCpuAnswers(expect);
  return expect.conclude();
}
