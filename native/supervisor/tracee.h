/**
 * Thin words for what ptrace does to one stopped thread.
 * Every call fails softly: a thread may be killed at any time.
 */
#ifndef CPUGATE_SUPERVISOR_TRACEE_H_
#define CPUGATE_SUPERVISOR_TRACEE_H_

#include <signal.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace cpugate {

using Registers = user_regs_struct;

/** Selectors of the two flat user code segments (arch/x86/include/asm/segment.h). */
inline constexpr uint64_t kCode64 = 0x33;
inline constexpr uint64_t kCode32 = 0x23;
/** Of the flat data segment, which stacks of both kinds are in. */
inline constexpr uint64_t kStackSegment = 0x2b;

/** A signal's place in a set of signals. */
constexpr uint64_t bitOf(int signal) { return uint64_t{1} << (signal - 1); }
inline constexpr uint64_t kSegvBit = bitOf(SIGSEGV);

/** False where the thread is gone. */
bool readRegisters(pid_t tid, Registers* registers);
bool writeRegisters(pid_t tid, const Registers& registers);
bool readSignalMask(pid_t tid, uint64_t* mask);
bool writeSignalMask(pid_t tid, uint64_t mask);
bool readSignal(pid_t tid, siginfo_t* info);
bool writeSignal(pid_t tid, const siginfo_t& info);
bool setOptions(pid_t tid, uint64_t options);
bool readEventMessage(pid_t tid, unsigned long* message);
/** To this thread, whichever of its process: one that is held keeps its number. */
void signalThread(pid_t tid, int signal);

/** A stop at a system call, as the kernel tells it (PTRACE_GET_SYSCALL_INFO, from Linux 5.3 on). */
struct SyscallStop {
  enum Op : uint8_t { kNone, kEntry, kExit, kSeccomp };
  Op op;
  uint32_t arch;
  /** Behind the instruction. */
  uint64_t at;
  /** Entry and seccomp: 32 bits, as filters see them. */
  uint64_t number;
  uint64_t arguments[6];
  /** Seccomp: SECCOMP_RET_DATA. */
  uint32_t mark;
  /** Exit. */
  int64_t result;
};
std::optional<SyscallStop> readSyscall(pid_t tid);

/** How a stopped thread goes on. */
enum class Resume { kContinue, kToSyscallStop, kListen, kStep };
bool resume(pid_t tid, Resume how, int signal = 0);

/** As much of the task's memory as can be read, in bytes; stops at the first page that can't. */
size_t readMemory(pid_t tid, uint64_t address, void* to, size_t bytes);
/** All or nothing, as far as the task itself may write. */
bool writeMemory(pid_t tid, uint64_t address, const void* from, size_t bytes);
/** One word of code, by the shortest way. */
bool peekCode(pid_t tid, uint64_t address, uint64_t* word);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_TRACEE_H_
