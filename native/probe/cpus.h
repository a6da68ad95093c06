// The CPUs of this machine: asks each one that this process may use.
#ifndef CPUGATE_NATIVE_PROBE_CPUS_H_
#define CPUGATE_NATIVE_PROBE_CPUS_H_

#include <optional>
#include <vector>

#include "enumerate.h"

namespace cpugate {

struct CpuAnswers {
  unsigned cpu = 0;
  // Not 0: this CPU couldn't be asked (errno; EAGAIN where it went away meanwhile), and `answers`
  // is empty.
  int error = 0;
  Enumeration answers;
};

// Numbers of the CPUs that the calling thread may run on, ascending. Nothing: errno says why.
std::optional<std::vector<unsigned>> AllowedCpus();

// Asks the CPUs of the caller's choice, which need not exist. Nothing: not even a thread could be
// had, and errno says why.
std::optional<std::vector<CpuAnswers>> ProbeCpus(const std::vector<unsigned>& cpus);

// All that the calling thread may run on.
std::optional<std::vector<CpuAnswers>> ProbeCpus();

}  // namespace cpugate

#endif  // CPUGATE_NATIVE_PROBE_CPUS_H_
