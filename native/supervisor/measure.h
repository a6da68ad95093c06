/** What a mask costs on this host, whatever is masked. */
#ifndef CPUGATE_SUPERVISOR_MEASURE_H_
#define CPUGATE_SUPERVISOR_MEASURE_H_

namespace cpugate {

/**
 * Prints it, one figure a line, in nanoseconds, each the median of some rounds that take turns, and
 * returns the exit code. A "switch" is from one task to another on one CPU, half of a byte's way
 * there and back through two pipes; a task is masked here when its CPUID traps.
 *
 *     switch-unmasked N     between two tasks that aren't masked
 *     switch-mixed N        between a masked and an unmasked one
 *     switch-masked N       between two masked ones
 *     cpuid-unmasked N      a CPUID without a mask
 *     stop-one-cpu N        a CPUID that traps, with a tracer on the same CPU that does the least:
 * waits, reads the registers, writes them, lets the task go on stop-two-cpus N       the same, with
 * a CPU for each
 *
 * What can't be measured (no second CPU, ptrace forbidden) has no line. Takes about a quarter of a
 * second.
 */
int measureMain();

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_MEASURE_H_
