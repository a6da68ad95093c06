/**
 * Numbers of the system calls that the guard brings to the supervisor, a table for each of the
 * three ways in (arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl). 0: there is none of
 * the kind.
 */
#ifndef CPUGATE_SUPERVISOR_SYSTEM_CALLS_H_
#define CPUGATE_SUPERVISOR_SYSTEM_CALLS_H_

#include <linux/audit.h>

#include <cstdint>

namespace cpugate {

struct SystemCalls {
  uint32_t sigaction, archPrctl, clone, clone3, seccomp, execve, execveat, userfaultfd, ioctl;
  /** From before real-time signals; 32-bit only. */
  uint32_t oldSigaction, oldSignal;
  /** By which memory becomes executable. */
  uint32_t mmap, mprotect, pkeyMprotect, mremap, shmat;
};

inline constexpr uint32_t kX32Bit = 0x40000000;

inline constexpr SystemCalls kCalls64{13, 158, 56, 435, 317, 59,  322, 323,
                                      16, 0,   0,  9,   10,  329, 25,  30};
inline constexpr SystemCalls kCallsX32{kX32Bit | 512,
                                       kX32Bit | 158,
                                       kX32Bit | 56,
                                       kX32Bit | 435,
                                       kX32Bit | 317,
                                       kX32Bit | 520,
                                       kX32Bit | 545,
                                       kX32Bit | 323,
                                       kX32Bit | 514,
                                       0,
                                       0,
                                       kX32Bit | 9,
                                       kX32Bit | 10,
                                       kX32Bit | 329,
                                       kX32Bit | 25,
                                       kX32Bit | 30};
inline constexpr SystemCalls kCalls32{174, 384, 120, 435, 354, 11,  358, 374,
                                      54,  67,  48,  192, 125, 380, 163, 397};

/** The table of a call, by how it was made. */
inline const SystemCalls& callsOf(uint32_t arch, uint64_t number) {
  if (arch == AUDIT_ARCH_I386) return kCalls32;
  return (number & kX32Bit) != 0 ? kCallsX32 : kCalls64;
}

/** Options of arch_prctl (arch/x86/include/uapi/asm/prctl.h). */
inline constexpr uint32_t kArchGetCpuid = 0x1011;
inline constexpr uint32_t kArchSetCpuid = 0x1012;
inline constexpr uint32_t kArchXcompFirst = 0x1021;
inline constexpr uint32_t kArchXcompLast = 0x1025;
/** USERFAULTFD_IOC_NEW, of /dev/userfaultfd (linux/userfaultfd.h). */
inline constexpr uint32_t kIoctlUserfaultfd = 0xaa00;

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SYSTEM_CALLS_H_
