/**
 * What was done to one process's code so that its CPUIDs trap (patching_source.cc): pure, addresses
 * only.
 *
 *   sites   CPUIDs whose second byte is another, which makes RDMSR of them
 *   held    memory that isn't executable before somebody executes it: only then can be told what of
 *           it is code
 */
#ifndef CPUGATE_SUPERVISOR_CODE_PATCHES_H_
#define CPUGATE_SUPERVISOR_CODE_PATCHES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "memory_map.h"

namespace cpugate {

/**
 * RDMSR is 0F 32: as long as CPUID (0F A2), with the same prefixes ignored, and forbidden to user
 * programs. What the kernel sends is what a CPUID that faults is sent for.
 */
inline constexpr uint8_t kCpuidByte = 0xa2, kTrapByte = 0x32;

struct Held {
  Range range;
  /** What the process has asked for: PROT_…, with PROT_EXEC. */
  int protection = 0;
};

class CodePatches {
 public:
  /** All code that there was has been looked at. */
  bool isDone = false;
  /** Beginnings of memory that was executed with pairs of bytes of which nobody knows whether they
   * are CPUID. */
  std::set<uint64_t> left;
  /** Single steps of threads that passed by such pairs. */
  uint64_t steps = 0;

  void addSite(uint64_t address) { sites_.insert(address); }
  void removeSite(uint64_t address) { sites_.erase(address); }
  bool isSite(uint64_t address) const { return sites_.contains(address); }
  /** A copy: what is done to a site may change them. */
  std::vector<uint64_t> sitesIn(const Range& range) const;

  void hold(const Held& held) { held_.push_back(held); }
  const std::vector<Held>& held() const { return held_; }
  std::optional<Held> heldAt(uint64_t address) const;
  /** Nothing of a range is held any more. */
  void stopHolding(const Range& range);

  /** Other memory is there now. */
  void forget(const Range& range);
  /** Memory has gone elsewhere. */
  void move(const Range& from, uint64_t to);

  /** Bytes that were read, as the program has them. */
  void showOriginal(uint64_t address, uint8_t* bytes, size_t size) const;

 private:
  std::set<uint64_t> sites_;
  std::vector<Held> held_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_CODE_PATCHES_H_
