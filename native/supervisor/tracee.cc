#include "tracee.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace cpugate {

namespace {

/** The C library's ptrace returns peeked data; the kernel's writes it where it is told to. */
bool request(long what, pid_t tid, uint64_t address, uint64_t data) {
  return syscall(SYS_ptrace, what, tid, address, data) >= 0;
}

uint64_t pointer(const void* to) { return reinterpret_cast<uint64_t>(to); }

constexpr size_t kPage = 4096;

}  // namespace

bool readRegisters(pid_t tid, Registers* registers) {
  return request(PTRACE_GETREGS, tid, 0, pointer(registers));
}

bool writeRegisters(pid_t tid, const Registers& registers) {
  return request(PTRACE_SETREGS, tid, 0, pointer(&registers));
}

bool readSignalMask(pid_t tid, uint64_t* mask) {
  return request(PTRACE_GETSIGMASK, tid, sizeof *mask, pointer(mask));
}

bool writeSignalMask(pid_t tid, uint64_t mask) {
  return request(PTRACE_SETSIGMASK, tid, sizeof mask, pointer(&mask));
}

bool readSignal(pid_t tid, siginfo_t* info) {
  return request(PTRACE_GETSIGINFO, tid, 0, pointer(info));
}

bool writeSignal(pid_t tid, const siginfo_t& info) {
  return request(PTRACE_SETSIGINFO, tid, 0, pointer(&info));
}

bool setOptions(pid_t tid, uint64_t options) { return request(PTRACE_SETOPTIONS, tid, 0, options); }

bool readEventMessage(pid_t tid, unsigned long* message) {
  return request(PTRACE_GETEVENTMSG, tid, 0, pointer(message));
}

void signalThread(pid_t tid, int signal) { syscall(SYS_tkill, tid, signal); }

std::optional<SyscallStop> readSyscall(pid_t tid) {
  struct __ptrace_syscall_info info;
  memset(&info, 0, sizeof info);
  if (!request(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, pointer(&info))) return std::nullopt;
  SyscallStop stop{};
  stop.op = static_cast<SyscallStop::Op>(info.op);
  stop.arch = info.arch;
  stop.at = info.instruction_pointer;
  if (stop.op == SyscallStop::kExit) {
    stop.result = info.exit.rval;
    return stop;
  }
  // Both kinds begin alike.
  stop.number = info.entry.nr & 0xffffffff;
  for (int place = 0; place < 6; ++place) stop.arguments[place] = info.entry.args[place];
  if (stop.op == SyscallStop::kSeccomp) stop.mark = info.seccomp.ret_data;
  return stop;
}

bool resume(pid_t tid, Resume how, int signal) {
  constexpr long kRequests[] = {PTRACE_CONT, PTRACE_SYSCALL, PTRACE_LISTEN, PTRACE_SINGLESTEP};
  return request(kRequests[static_cast<int>(how)], tid, 0, static_cast<uint64_t>(signal));
}

size_t readMemory(pid_t tid, uint64_t address, void* to, size_t bytes) {
  size_t done = 0;
  // Page by page: a transfer that meets a hole fails as a whole otherwise.
  while (done < bytes) {
    const uint64_t from = address + done;
    const size_t part = std::min(bytes - done, kPage - from % kPage);
    iovec local{static_cast<char*>(to) + done, part};
    iovec remote{reinterpret_cast<void*>(from), part};
    const ssize_t got = process_vm_readv(tid, &local, 1, &remote, 1, 0);
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

bool writeMemory(pid_t tid, uint64_t address, const void* from, size_t bytes) {
  iovec local{const_cast<void*>(from), bytes};
  iovec remote{reinterpret_cast<void*>(address), bytes};
  return process_vm_writev(tid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

bool peekCode(pid_t tid, uint64_t address, uint64_t* word) {
  return request(PTRACE_PEEKTEXT, tid, address, pointer(word));
}

}  // namespace cpugate
