// The CPUs of this machine: asks each one that this process may use.
#ifndef CPUGATE_NATIVE_PROBE_CPUS_H_
#define CPUGATE_NATIVE_PROBE_CPUS_H_

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

// Numbers of the CPUs that the calling thread may run on, ascending. Throws std::system_error.
std::vector<unsigned> AllowedCpus();

// Throws std::system_error where not even a thread can be had.
std::vector<CpuAnswers> ProbeCpus();

// The same for CPUs of the caller's choice, which need not exist.
std::vector<CpuAnswers> ProbeCpus(const std::vector<unsigned>& cpus);

}  // namespace cpugate

#endif  // CPUGATE_NATIVE_PROBE_CPUS_H_
