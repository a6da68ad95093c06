/** The clock that no one sets. */
#ifndef CPUGATE_SUPERVISOR_MONOTONIC_H_
#define CPUGATE_SUPERVISOR_MONOTONIC_H_

#include <time.h>

#include <cstdint>

namespace cpugate {

inline int64_t monotonicMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_MONOTONIC_H_
