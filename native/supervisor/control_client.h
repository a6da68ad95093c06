/** The other side of control.h: asks whichever supervisor holds a process. */
#ifndef CPUGATE_SUPERVISOR_CONTROL_CLIENT_H_
#define CPUGATE_SUPERVISOR_CONTROL_CLIENT_H_

#include <sys/types.h>

#include <chrono>
#include <string>

namespace cpugate {

/** No supervisor of ours holds the process. */
inline constexpr int kNotSupervised = 3;

/** Supervisors that need longer are stopped, or at their end. */
struct Limits {
  std::chrono::milliseconds status{10'000};
  /** Threads that don't stop are waited for, for 10 s (holding.cc). */
  std::chrono::milliseconds others{20'000};
};

/** Prints the answer, or what is wrong. `until`: 0 for none. Gives an exit status. */
int askSupervisor(const std::string& folder, const std::string& what, pid_t pid, pid_t until,
                  const Limits& limits = {});

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_CONTROL_CLIENT_H_
