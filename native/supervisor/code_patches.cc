#include "code_patches.h"

#include <algorithm>

namespace cpugate {

std::vector<uint64_t> CodePatches::sitesIn(const Range& range) const {
  if (range.isEmpty()) return {};
  return {sites_.lower_bound(range.from), sites_.lower_bound(range.to)};
}

std::optional<Held> CodePatches::heldAt(uint64_t address) const {
  const auto found =
      std::ranges::find_if(held_, [address](const Held& one) { return one.range.has(address); });
  return found == held_.end() ? std::nullopt : std::optional(*found);
}

void CodePatches::stopHolding(const Range& range) {
  std::vector<Held> rest;
  for (const Held& one : held_) {
    if (overlapOf(one.range, range).isEmpty()) {
      rest.push_back(one);
      continue;
    }
    if (one.range.from < range.from) rest.push_back({{one.range.from, range.from}, one.protection});
    if (range.to < one.range.to) rest.push_back({{range.to, one.range.to}, one.protection});
  }
  held_ = std::move(rest);
}

void CodePatches::forget(const Range& range) {
  if (range.isEmpty()) return;
  sites_.erase(sites_.lower_bound(range.from), sites_.lower_bound(range.to));
  stopHolding(range);
}

void CodePatches::move(const Range& from, uint64_t to) {
  const Range target{to, to + (from.to - from.from)};
  const auto moved = [&](uint64_t address) { return address - from.from + to; };
  const std::vector<uint64_t> sites = sitesIn(from);
  std::vector<Held> held;
  for (const Held& one : held_)
    if (const Range part = overlapOf(one.range, from); !part.isEmpty())
      held.push_back({{moved(part.from), moved(part.to)}, one.protection});
  forget(from);
  forget(target);
  for (const uint64_t site : sites) addSite(moved(site));
  held_.insert(held_.end(), held.begin(), held.end());
}

void CodePatches::showOriginal(uint64_t address, uint8_t* bytes, size_t size) const {
  if (sites_.empty()) return;
  for (size_t place = 0; place < size; ++place)
    if (bytes[place] == kTrapByte && isSite(address + place - 1)) bytes[place] = kCpuidByte;
}

}  // namespace cpugate
