/** A process's mappings, by the kernel's word (/proc/PID/maps). */
#ifndef CPUGATE_SUPERVISOR_MEMORY_MAP_H_
#define CPUGATE_SUPERVISOR_MEMORY_MAP_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cpugate {

/** Addresses, the end not included. */
struct Range {
  uint64_t from = 0;
  uint64_t to = 0;
  bool has(uint64_t address) const { return address >= from && address < to; }
  bool isEmpty() const { return from >= to; }
  bool operator==(const Range&) const = default;
};

/** What two have in common; empty where that is nothing. */
Range overlapOf(const Range& one, const Range& other);

struct Mapping {
  Range range;
  /** PROT_…, as mprotect takes it. */
  int protection = 0;
  bool isShared = false;
  uint64_t offset = 0;
  dev_t device = 0;
  /** 0: no file. */
  ino_t inode = 0;
  /** As the kernel shows it: a path, or "[vdso]" and its like. */
  std::string name;
};

/** A line without its end; nothing where it isn't one; pure. */
std::optional<Mapping> parseMapping(std::string_view line);

/** Of a process, those that touch a range of addresses; ascending. */
std::vector<Mapping> mappingsIn(pid_t tid, const Range& range);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_MEMORY_MAP_H_
