/** The CPUs of this machine: asks each one that this process may use. */
#ifndef CPUGATE_PROBE_CPUS_H_
#define CPUGATE_PROBE_CPUS_H_

#include <optional>
#include <vector>

#include "enumerate.h"

namespace cpugate {

struct CpuAnswers {
  unsigned cpu = 0;
  /**
   * Not 0: this CPU couldn't be asked (errno; EAGAIN where it went away meanwhile), and `answers`
   * is empty.
   */
  int error = 0;
  Enumeration answers;
};

/**
 * Asks the CPUs of the caller's choice, which need not exist. Nothing: not even a thread could be
 * had, and errno says why.
 */
std::optional<std::vector<CpuAnswers>> probeCpus(const std::vector<unsigned>& cpus);

/** All that the calling thread may run on. */
std::optional<std::vector<CpuAnswers>> probeCpus();

}  // namespace cpugate

#endif  // CPUGATE_PROBE_CPUS_H_
