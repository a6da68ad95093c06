/** The auxiliary vector of a program that has just been executed: it gives the CPU away, too. */
#ifndef CPUGATE_SUPERVISOR_AUXV_H_
#define CPUGATE_SUPERVISOR_AUXV_H_

#include <sys/types.h>

#include <cstdint>

#include "cpugate_mask.h"
#include "tracee.h"

namespace cpugate {

/** Address of the vDSO; 0: there is none. */
uint64_t maskAuxv(pid_t tid, const Registers& atEntry, const MaskHeader& mask);
/** The same address of a program that runs already, from /proc. */
uint64_t vdsoOf(pid_t pid, bool is32);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_AUXV_H_
