/** Types of the auxiliary vector that older C libraries have no names for (Linux uapi auxvec.h). */
#ifndef CPUGATE_CPU_AUXV_TYPES_H_
#define CPUGATE_CPU_AUXV_TYPES_H_

#include <elf.h>

#ifndef AT_HWCAP2
#define AT_HWCAP2 26
#endif
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

#endif  // CPUGATE_CPU_AUXV_TYPES_H_
