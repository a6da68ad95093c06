/** What CPUID shows to a program that is started here. */
#ifndef CPUGATE_SUPERVISOR_PROBE_H_
#define CPUGATE_SUPERVISOR_PROBE_H_

namespace cpugate {

/** Prints it, one fact a line; returns the exit code. */
int probeMain();

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_PROBE_H_
