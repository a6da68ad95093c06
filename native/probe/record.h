/**
 * A host's record as "cpugate probe" writes it, made of what the machine answered. No effects: the
 * machine may be a table in a test. src/probe/host-from-answers.ts and src/formats/profile.ts are
 * the same in the other language; test/native/record.test.ts holds one against the other.
 */
#ifndef CPUGATE_PROBE_RECORD_H_
#define CPUGATE_PROBE_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cpus.h"
#include "faulting.h"

namespace cpugate {

/** Everything that was read from the machine; nothing: it couldn't be read. */
struct MachineAnswers {
  std::string hostname;  // UTF-8, as far as anybody cared
  std::string kernel;    // uname -r
  std::vector<CpuAnswers> cpus;
  std::optional<std::string> onlineCpus;       // /sys/devices/system/cpu/online
  std::optional<std::string> cpuinfo;          // /proc/cpuinfo
  std::optional<std::string> auxiliaryVector;  // /proc/self/auxv
  std::optional<std::string> libc;             // content of libc.so.6
  std::optional<uint64_t> xcompSupported;
  FaultingVerdict faulting;
};

/** What the caller knows: texts for "taken" (ISO 8601) and "cpugate"; empty: left out. */
struct RecordNotes {
  std::string name;  // empty: the host's own
  std::string taken;
  std::string version;
};

/** Nothing: not one CPU answered, and `why` says so. */
std::optional<std::string> recordOf(const MachineAnswers& machine, const RecordNotes& notes,
                                    std::string& why);

}  // namespace cpugate

#endif  // CPUGATE_PROBE_RECORD_H_
