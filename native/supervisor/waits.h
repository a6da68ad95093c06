/** Waits for wait statuses. */
#ifndef CPUGATE_SUPERVISOR_WAITS_H_
#define CPUGATE_SUPERVISOR_WAITS_H_

#include <sys/types.h>

namespace cpugate {

/** As waitpid, of any kind of child; 0: there is no status yet. */
pid_t lookFor(pid_t whom, int* status);
/** The same, until there is one, or a signal came (EINTR). */
pid_t waitUntil(pid_t whom, int* status);
}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_WAITS_H_
