#include "cpuinfo_file.h"

#include <algorithm>
#include <cstddef>

namespace cpugate {
namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/** Each once, in the file's order: hundreds of CPUs say the same. */
std::vector<std::string_view> valuesOf(std::string_view cpuinfo, std::string_view key) {
  std::vector<std::string_view> values;
  while (!cpuinfo.empty()) {
    const std::string_view line = cpuinfo.substr(0, cpuinfo.find('\n'));
    cpuinfo.remove_prefix(std::min(line.size() + 1, cpuinfo.size()));
    const size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) continue;
    if (trimmed(line.substr(0, colon)) != key) continue;
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (!contains(values, value)) values.push_back(value);
  }
  return values;
}

std::vector<std::string_view> wordsOf(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    text = trimmed(text);
    if (text.empty()) return words;
    words.push_back(text.substr(0, text.find_first_of(kBlanks)));
    text.remove_prefix(words.back().size());
  }
}

}  // namespace

CpuinfoFacts readCpuinfo(std::string_view cpuinfo) {
  CpuinfoFacts facts;
  std::vector<std::vector<std::string_view>> lists;
  for (std::string_view value : valuesOf(cpuinfo, "flags")) lists.push_back(wordsOf(value));
  if (!lists.empty()) {
    facts.flags.emplace();
    for (std::string_view flag : lists.front())
      if (std::all_of(lists.begin(), lists.end(),
                      [flag](const auto& list) { return contains(list, flag); }))
        facts.flags->emplace_back(flag);
  }
  if (lists.size() > 1)
    facts.remarks.emplace_back(
        "/proc/cpuinfo shows different flags for some CPUs; only those of all CPUs count.");
  const std::vector<std::string_view> microcodes = valuesOf(cpuinfo, "microcode");
  if (!microcodes.empty()) facts.microcode = microcodes.front();
  if (microcodes.size() > 1) {
    std::string all;
    for (std::string_view one : microcodes) all.append(", ").append(one);
    facts.remarks.push_back("The CPUs run different microcode: " + all.substr(2) + ".");
  }
  return facts;
}

}  // namespace cpugate
