/** What /proc/cpuinfo says: src/probe/proc-files.ts in C++. */
#ifndef CPUGATE_PROBE_CPUINFO_FILE_H_
#define CPUGATE_PROBE_CPUINFO_FILE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cpugate {

struct CpuinfoFacts {
  /** Flags that every CPU has, in the file's order; nothing: the file has none. */
  std::optional<std::vector<std::string>> flags;
  std::optional<std::string> microcode;
  std::vector<std::string> remarks;
};

CpuinfoFacts readCpuinfo(std::string_view cpuinfo);

}  // namespace cpugate

#endif  // CPUGATE_PROBE_CPUINFO_FILE_H_
