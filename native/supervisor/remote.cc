#include "remote.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "wait_status.h"
#include "waits.h"

namespace cpugate {

namespace {

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

/** The kernel leaves out SIGKILL and SIGSTOP. */
constexpr uint64_t kAllBlocked = ~uint64_t{0};

constexpr uint8_t kSyscall[] = {0x0f, 0x05};
constexpr uint8_t kInt80[] = {0xcd, 0x80};
/** A vDSO's code lies in its first pages (arch/x86/entry/vdso: two to five pages in all kernels so far). */
constexpr size_t kVdsoBytes = 16384;
/** Below the red zone of the System V ABI, 3.2.2. */
constexpr uint64_t kRedZone = 128;

/** The kernel maps one image for all tasks of a kind; where the instruction is in it, by kind. */
uint64_t gateOffset[2];

/**
 * A system call that was interrupted and hasn't been restarted yet: the kernel does that on its way out of
 * a stop that it knows of, with the registers that it finds then (arch_do_signal_or_restart).
 */
bool isToBeRestarted(const Registers& registers) {
  constexpr int64_t kFirst = -516, kLast = -512;
  const auto result = static_cast<int32_t>(registers.rax);
  return static_cast<int64_t>(registers.orig_rax) >= 0 && result >= kFirst && result <= kLast;
}

/** Memory that the supervisor may not read (of an undumpable task) is tried: the kernel tells what came of it. */
bool mayHold(pid_t tid, uint64_t at, const uint8_t (&code)[2]) {
  uint8_t bytes[2];
  return readMemory(tid, at, bytes, sizeof bytes) != sizeof bytes || memcmp(bytes, code, 2) == 0;
}

}  // namespace

uint64_t taskOptions(bool tellsEnd) {
  return (tellsEnd ? uint64_t{PTRACE_O_TRACEEXIT} : 0) | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
         PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP;
}

bool canSuspendFilters() {
  static int known = -1;
  if (known < 0) {
    // CAP_SYS_ADMIN is bit 21 of the effective set (include/uapi/linux/capability.h, version 3).
    struct {
      uint32_t version;
      int pid;
    } header{0x20080522, 0};
    struct {
      uint32_t effective, permitted, inheritable;
    } sets[2]{};
    known = syscall(SYS_capget, &header, sets) == 0 && ((sets[0].effective >> 21) & 1) != 0;
  }
  return known == 1;
}

RemoteCalls::RemoteCalls(pid_t tid, const Task& task)
    : tid_(tid), vdso_(task.space->vdso), options_(taskOptions(task.tellsEnd)) {
  alive_ = readRegisters(tid, &saved_) && readSignalMask(tid, &mask_) &&
           writeSignalMask(tid, kAllBlocked);
  if (alive_ && canSuspendFilters())
    suspended_ = setOptions(tid, options_ | PTRACE_O_SUSPEND_SECCOMP);
}

RemoteCalls::~RemoteCalls() {
  if (!alive_) return;
  giveBack();
  if (patchedAt_ != 0) syscall(SYS_ptrace, PTRACE_POKETEXT, tid_, patchedAt_, patchedWord_);
  if (suspended_) setOptions(tid_, options_);
  writeRegisters(tid_, saved_);
  writeSignalMask(tid_, mask_);
  if (isToBeRestarted(saved_)) trapAgain_ = true;
  // A stop that came meanwhile was put off: it comes again.
  if (trapAgain_) syscall(SYS_ptrace, PTRACE_INTERRUPT, tid_, 0, 0);
  if (stopAgain_) syscall(SYS_tgkill, tid_, tid_, SIGSTOP);
}

std::optional<uint64_t> RemoteCalls::findGate() {
  const int kind = is32() ? 1 : 0;
  const auto& code = is32() ? kInt80 : kSyscall;
  if (vdso_ != 0) {
    if (gateOffset[kind] == 0) {
      uint8_t image[kVdsoBytes];
      const size_t got = readMemory(tid_, vdso_, image, sizeof image);
      const auto* found = std::search(image, image + got, code, code + sizeof code);
      if (found != image + got) gateOffset[kind] = static_cast<uint64_t>(found - image);
    }
    if (gateOffset[kind] != 0 && mayHold(tid_, vdso_ + gateOffset[kind], code))
      return vdso_ + gateOffset[kind];
  }
  if (patchedAt_ != 0) return patchedAt_;
  // No vDSO (vdso=0, or unmapped): for a moment the code at hand gives the instruction.
  const uint64_t at = saved_.rip;
  uint64_t word;
  if (!peekCode(tid_, at, &word)) return std::nullopt;
  uint64_t patched = word;
  memcpy(&patched, code, sizeof code);
  if (syscall(SYS_ptrace, PTRACE_POKETEXT, tid_, at, patched) != 0) return std::nullopt;
  patchedAt_ = at;
  patchedWord_ = word;
  return at;
}

bool RemoteCalls::toSyscallStop() {
  int signal = 0;
  for (;;) {
    int status;
    if (!resume(tid_, Resume::kToSyscallStop, signal) || !waitFor(tid_, &status)) {
      alive_ = false;
      return false;
    }
    signal = 0;
    const WaitStatus stop(status);
    switch (stop.kind()) {
      case WaitStatus::Kind::kExited:
      case WaitStatus::Kind::kSignaled:
        end_ = status;
        alive_ = false;
        return false;
      case WaitStatus::Kind::kSyscallStop:
        return true;
      case WaitStatus::Kind::kSignalStop:
        // Only SIGSTOP gets through the mask. A fault: what was thought to be code isn't.
        if (stop.stopSignal() != SIGSTOP) return false;
        stopAgain_ = true;
        break;
      case WaitStatus::Kind::kGroupStop:
        trapAgain_ = true;
        break;
      case WaitStatus::Kind::kEventStop:
        if (stop.event() == PTRACE_EVENT_EXEC) {
          // It is another thread by now, and another program.
          end_ = status;
          alive_ = false;
          return false;
        }
        // A request to stop, which comes again; its end; our own filter, where it can't be put to sleep.
        trapAgain_ |= stop.event() == PTRACE_EVENT_STOP;
        break;
      case WaitStatus::Kind::kOther:
        break;
    }
  }
}

std::optional<int64_t> RemoteCalls::call(long number64, long number32, const Arguments& arguments) {
  if (!alive_) return std::nullopt;
  const auto gate = findGate();
  if (!gate) return std::nullopt;
  const auto number = static_cast<uint64_t>(is32() ? number32 : number64);
  Registers registers = saved_;
  registers.rip = *gate;
  registers.rax = number;
  // No system call is under way: nothing to restart.
  registers.orig_rax = ~uint64_t{0};
  if (is32()) {
    std::tie(registers.rbx, registers.rcx, registers.rdx, registers.rsi, registers.rdi, registers.rbp) =
        std::tuple_cat(arguments);
  } else {
    std::tie(registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9) =
        std::tuple_cat(arguments);
  }
  // A single step would be forced on the task as SIGTRAP; the stops at entry and exit are not.
  if (!writeRegisters(tid_, registers) || !toSyscallStop()) return std::nullopt;
  Registers at;
  if (!readRegisters(tid_, &at) || (at.orig_rax & 0xffffffff) != number) return std::nullopt;
  if (!toSyscallStop() || !readRegisters(tid_, &at)) return std::nullopt;
  return is32() ? static_cast<int32_t>(at.rax) : static_cast<int64_t>(at.rax);
}

std::optional<uint64_t> RemoteCalls::borrow(const void* bytes, size_t count) {
  if (count > sizeof borrowed_ || borrowedBytes_ > 0) return std::nullopt;
  const uint64_t below = (saved_.rsp - kRedZone - count) & ~uint64_t{15};
  // A stack with no room below has room above: used by the task, so for a moment only.
  const uint64_t above = saved_.rsp & ~uint64_t{15};
  for (const uint64_t at : {below, above}) {
    if (readMemory(tid_, at, borrowed_, count) != count || !writeMemory(tid_, at, bytes, count)) continue;
    borrowedAt_ = at;
    borrowedBytes_ = count;
    return at;
  }
  return std::nullopt;
}

void RemoteCalls::giveBack() {
  if (borrowedBytes_ > 0) writeMemory(tid_, borrowedAt_, borrowed_, borrowedBytes_);
  borrowedBytes_ = 0;
}

}  // namespace cpugate
