/** What CPUID shows to a program that is started here. */
#ifndef CPUGATE_SUPERVISOR_PROBE_H_
#define CPUGATE_SUPERVISOR_PROBE_H_

namespace cpugate {

/**
 * Prints it, one fact a line, and returns the exit code:
 *
 *     LEAF SUBLEAF EAX EBX ECX EDX   each that CPUID leads to
 *     xcr0 N                         XGETBV(0)
 *     xcr0-in-use N                  XGETBV(1)
 *     hwcap N, hwcap2 N              AT_HWCAP, AT_HWCAP2
 *     minsigstksz N                  AT_MINSIGSTKSZ, decimal
 *     arch-get-cpuid N               ARCH_GET_CPUID, decimal: 1 where CPUID doesn't trap
 *     xcomp-supp N                   ARCH_GET_XCOMP_SUPP
 *
 * All is hexadecimal but what is marked. What CPU, kernel or C library don't tell has no line.
 */
int probeMain();

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_PROBE_H_
