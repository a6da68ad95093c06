#include "remote.h"

#include <errno.h>
#include <linux/audit.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <tuple>
#include <utility>

#include "auxv.h"
#include "complain.h"
#include "memory.h"
#include "rseq.h"
#include "wait_status.h"

namespace cpugate {

namespace {

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

/** The kernel leaves out SIGKILL and SIGSTOP. */
constexpr uint64_t kAllBlocked = ~uint64_t{0};

constexpr uint8_t kSyscall[] = {0x0f, 0x05};
constexpr uint8_t kInt80[] = {0xcd, 0x80};
/** A vDSO's code lies in its first pages (arch/x86/entry/vdso: so far two to five in all). */
constexpr size_t kVdsoBytes = 16384;
/** Below the red zone of the System V ABI, 3.2.2. */
constexpr uint64_t kRedZone = 128;
constexpr uint64_t kPage = 4096;
/** Numbers of 32-bit calls. */
constexpr long kMmap2 = 192, kMunmap = 91, kPrctl = 172;

uint64_t offsetIn(const uint8_t* image, size_t bytes, const uint8_t (&code)[2]) {
  const auto* found = std::search(image, image + bytes, code, code + sizeof code);
  return found == image + bytes ? 0 : static_cast<uint64_t>(found - image);
}

/** The kernel maps one image for all tasks of a kind: the supervisor's own is the 64-bit one. */
uint64_t gateOffset64() {
  static const uint64_t offset = [] {
    const auto* image = reinterpret_cast<const uint8_t*>(getauxval(AT_SYSINFO_EHDR));
    // Two pages are always there; more may not be.
    return image == nullptr ? 0 : offsetIn(image, 2 * kPage, kSyscall);
  }();
  return offset;
}

/** Found in the first 32-bit task. */
uint64_t gateOffset32 = 0;

/**
 * A system call that was interrupted and hasn't been restarted yet: the kernel does that on its way
 * out of a stop that it knows of, with the registers that it finds then
 * (arch_do_signal_or_restart).
 */
bool isToBeRestarted(const Registers& registers) {
  constexpr int64_t kFirst = -516, kLast = -512;
  const auto result = static_cast<int32_t>(registers.rax);
  return static_cast<int64_t>(registers.orig_rax) >= 0 && result >= kFirst && result <= kLast;
}

/** Threads that are on their way to a call in their name. */
std::atomic<int> callsAwaited = 0;

class OnTheWay {
 public:
  explicit OnTheWay(Task& task) : task_(task) {
    task_.comesToCall = true;
    task_.cpuTimeBefore = -1;
    ++callsAwaited;
  }
  ~OnTheWay() {
    task_.comesToCall = false;
    --callsAwaited;
  }
  OnTheWay(const OnTheWay&) = delete;
  OnTheWay& operator=(const OnTheWay&) = delete;

 private:
  Task& task_;
};

constexpr uint64_t low(uint64_t value) { return value & 0xffffffff; }

}  // namespace

uint64_t taskOptions(bool tellsEnd) {
  return (tellsEnd ? uint64_t{PTRACE_O_TRACEEXIT} : 0) | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD |
         PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
         PTRACE_O_TRACESECCOMP;
}

bool areCallsAwaited() { return callsAwaited > 0; }

void learnVdso(const Task& task) {
  AddressSpace& space = *task.space;
  if (space.vdso != 0) return;
  Registers registers;
  if (!readRegisters(task.tid, &registers)) return;
  // In a segment of its own making a program can be of either kind.
  space.vdso = vdsoOf(task.tid, false);
  space.is32 = space.vdso == 0 && registers.cs != kCode64;
  if (space.is32) space.vdso = vdsoOf(task.tid, true);
}

Co<bool> RemoteCalls::begin() {
  isAlive_ = readRegisters(tid(), &saved_) && readSignalMask(tid(), &mask_) &&
             writeSignalMask(tid(), kAllBlocked);
  if (!isAlive_) co_return false;
  learnVdso(task_);
  co_await leaveSequence();
  filtersSleep_ = setOptions(tid(), taskOptions(task_.tellsEnd) | PTRACE_O_SUSPEND_SECCOMP);
  co_return true;
}

Co<void> RemoteCalls::leaveSequence() {
  const uint64_t abort = co_await abortOfSequence(task_, saved_);
  if (abort == 0) co_return;
  saved_.rip = abort;
  // As the kernel does for a signal: a call that is to be restarted can't be in a sequence.
  saved_.orig_rax = ~uint64_t{0};
}

RemoteCalls::~RemoteCalls() {
  if (!isAlive_ || task_.isOver) return;
  if (patchedAt_ != 0) syscall(SYS_ptrace, PTRACE_POKETEXT, tid(), patchedAt_, patchedWord_);
  if (filtersSleep_) setOptions(tid(), taskOptions(task_.tellsEnd));
  writeRegisters(tid(), saved_);
  writeSignalMask(tid(), mask_);
  if (isToBeRestarted(saved_)) trapAgain_ = true;
  // A stop that came meanwhile was put off: it comes again.
  if (trapAgain_) syscall(SYS_ptrace, PTRACE_INTERRUPT, tid(), 0, 0);
  if (stopAgain_) signalThread(tid(), SIGSTOP);
}

Co<bool> RemoteCalls::findGate() {
  if (gate_ != 0) co_return true;
  const auto& code = is32() ? kInt80 : kSyscall;
  const uint64_t vdso = task_.space->vdso;
  if (vdso != 0 && is32() && gateOffset32 == 0) {
    uint8_t image[kVdsoBytes];
    const size_t got = co_await readTask(task_, vdso, image, sizeof image);
    gateOffset32 = offsetIn(image, got, kInt80);
  }
  const uint64_t offset = is32() ? gateOffset32 : gateOffset64();
  if (vdso != 0 && offset != 0) {
    uint8_t bytes[2], here;
    const size_t got = co_await readTask(task_, vdso + offset, bytes, sizeof bytes);
    // Memory that the supervisor may not read (of an undumpable task) is tried: the kernel tells
    // what came of it. Where the code at hand can be read, the vDSO could be, too, were it there.
    const bool isThere = got == sizeof bytes
                             ? memcmp(bytes, code, sizeof bytes) == 0
                             : co_await readTask(task_, saved_.rip, &here, sizeof here) == 0;
    if (isThere) {
      gate_ = vdso + offset;
      co_return true;
    }
  }
  // No vDSO (vdso=0, or unmapped): for a moment the code at hand gives the instruction. To put it
  // there waits for the page, which only a task that fills its pages itself could use against us.
  if (task_.space->mayBlock) co_return false;
  const uint64_t at = saved_.rip;
  uint64_t word;
  if (!peekCode(tid(), at, &word)) co_return false;
  uint64_t patched = word;
  memcpy(&patched, code, sizeof code);
  if (syscall(SYS_ptrace, PTRACE_POKETEXT, tid(), at, patched) != 0) co_return false;
  patchedAt_ = gate_ = at;
  patchedWord_ = word;
  co_return true;
}

Co<bool> RemoteCalls::toSyscallStop() {
  for (;;) {
    if (!resume(tid(), Resume::kToSyscallStop)) {
      isAlive_ = false;
      co_return false;
    }
    const WaitStatus stop = co_await task_.nextStop;
    switch (stop.kind()) {
      case WaitStatus::Kind::kSyscallStop:
        co_return true;
      case WaitStatus::Kind::kSignalStop:
        // Only SIGSTOP gets through the mask. A fault: what was thought to be code isn't.
        if (stop.stopSignal() != SIGSTOP) {
          tampered();
          co_return false;
        }
        stopAgain_ = true;
        break;
      case WaitStatus::Kind::kGroupStop:
        trapAgain_ = true;
        break;
      case WaitStatus::Kind::kEventStop:
        // A request to stop, which comes again; its end; our own filter, where it can't be put to
        // sleep.
        trapAgain_ |= stop.event() == PTRACE_EVENT_STOP;
        break;
      default:
        break;
    }
  }
}

std::nullopt_t RemoteCalls::tampered() {
  complain("process %d doesn't make the call that is made in its name; it is killed", tid());
  signalThread(tid(), SIGKILL);
  isAlive_ = false;
  return std::nullopt;
}

Co<std::optional<SyscallStop>> RemoteCalls::toEntry(Registers registers) {
  // No system call is under way: nothing to restart.
  registers.orig_rax = ~uint64_t{0};
  const bool wrote = writeRegisters(tid(), registers);
  {
    const OnTheWay onTheWay(task_);
    // A single step would be forced on the task as SIGTRAP; the stops at entry and exit are not.
    const bool came = wrote && co_await toSyscallStop();
    if (!came) co_return std::nullopt;
  }
  const auto entry = readSyscall(tid());
  if (!entry) isAlive_ = false;
  co_return entry;
}

Co<std::optional<int64_t>> RemoteCalls::toResult() {
  if (!co_await toSyscallStop()) co_return std::nullopt;
  const auto exit = readSyscall(tid());
  if (!exit || exit->op != SyscallStop::kExit) co_return tampered();
  co_return exit->result;
}

Co<std::optional<int64_t>> RemoteCalls::call(long number64, long number32, Arguments arguments) {
  if (!isAlive_ || !co_await findGate()) co_return std::nullopt;
  Registers registers = saved_;
  registers.rip = gate_;
  // In a code segment of the program's own the gate would be another place.
  registers.cs = is32() ? kCode32 : kCode64;
  // And its stack segment may be one that nothing can come back to.
  registers.ss = kStackSegment;
  registers.rax = static_cast<uint64_t>(is32() ? number32 : number64);
  if (is32()) {
    std::tie(registers.rbx, registers.rcx, registers.rdx, registers.rsi, registers.rdi,
             registers.rbp) = std::tuple_cat(arguments);
  } else {
    std::tie(registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8,
             registers.r9) = std::tuple_cat(arguments);
  }
  const auto entry = co_await toEntry(registers);
  if (!entry) co_return std::nullopt;
  bool isOurs = entry->op == SyscallStop::kEntry &&
                entry->arch == (is32() ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64) &&
                entry->number == registers.rax && entry->at == gate_ + sizeof kSyscall;
  for (size_t place = 0; place < arguments.size(); ++place)
    isOurs = isOurs && (is32() ? low(entry->arguments[place]) == low(arguments[place])
                               : entry->arguments[place] == arguments[place]);
  if (!isOurs) co_return tampered();
  co_return co_await toResult();
}

Co<std::optional<int64_t>> RemoteCalls::repeat(Registers asked) {
  if (!isAlive_) co_return std::nullopt;
  const uint64_t number = asked.orig_rax;
  // As the kernel restarts a call: both instructions have two bytes (arch/x86/kernel/signal.c).
  asked.rip -= 2;
  asked.rax = number;
  const auto entry = co_await toEntry(asked);
  if (!entry) co_return std::nullopt;
  if (entry->op != SyscallStop::kEntry || entry->number != low(number)) co_return tampered();
  co_return co_await toResult();
}

Co<void> RemoteCalls::openMemory() {
  const uint64_t anywhere = task_.space->vdso != 0 ? task_.space->vdso : saved_.rip;
  uint8_t byte;
  const size_t got = co_await readTask(task_, anywhere, &byte, sizeof byte);
  if (got == sizeof byte || dumpableBefore_) co_return;
  const Arguments ask{PR_GET_DUMPABLE, 0, 0, 0, 0, 0};
  const auto before = co_await call(SYS_prctl, kPrctl, ask);
  if (!before) co_return;
  const Arguments open{PR_SET_DUMPABLE, 1, 0, 0, 0, 0};
  const auto opened = co_await call(SYS_prctl, kPrctl, open);
  if (opened == 0) dumpableBefore_ = *before;
}

Co<void> RemoteCalls::closeMemory() {
  if (!dumpableBefore_) co_return;
  // 2, which only the kernel sets, can't be set back; 0 forbids the same to tasks without
  // privileges.
  const Arguments close{PR_SET_DUMPABLE, *dumpableBefore_ == 1 ? 1u : 0u, 0, 0, 0, 0};
  dumpableBefore_.reset();
  co_await call(SYS_prctl, kPrctl, close);
}

Co<std::optional<uint64_t>> RemoteCalls::map(uint64_t bytes) {
  const Arguments anywhere{
      0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~uint64_t{0}, 0};
  const auto room = co_await call(SYS_mmap, kMmap2, anywhere);
  if (!room || (*room < 0 && *room > -4096)) co_return std::nullopt;
  // A 32-bit task's addresses come back with their sign.
  co_return is32() ? static_cast<uint32_t>(*room) : static_cast<uint64_t>(*room);
}

Co<void> RemoteCalls::unmap(uint64_t at, uint64_t bytes) {
  const Arguments range{at, bytes, 0, 0, 0, 0};
  co_await call(SYS_munmap, kMunmap, range);
}

Co<std::optional<uint64_t>> RemoteCalls::borrow(const void* bytes, size_t count) {
  if (!isAlive_ || count > sizeof borrowed_ || borrowedBytes_ > 0) co_return std::nullopt;
  co_await openMemory();
  constexpr uint64_t kLocalSelector = 4;
  const uint64_t below = (saved_.rsp - kRedZone - count) & ~uint64_t{15};
  // A stack with no room below has room above: used by the task, so for a moment only.
  const uint64_t above = saved_.rsp & ~uint64_t{15};
  const bool isFlat = (saved_.ss & kLocalSelector) == 0;
  // Room that is there needs no other thread to bring it.
  const bool swapped = !isAtHand(task_, below, count) && isAtHand(task_, above, count);
  const std::array<uint64_t, 2> places =
      swapped ? std::array{above, below} : std::array{below, above};
  for (const uint64_t at : places) {
    if (!isFlat) break;
    const size_t got = co_await readTask(task_, at, borrowed_, count);
    if (got != count) continue;
    const bool wrote = co_await writeTask(task_, at, bytes, count);
    if (!wrote) continue;
    borrowedAt_ = at;
    borrowedBytes_ = count;
    co_return at;
  }
  const auto page = co_await map(kPage);
  if (!page) co_return std::nullopt;
  pageAt_ = *page;
  const bool wrote = co_await writeTask(task_, pageAt_, bytes, count);
  if (wrote) co_return pageAt_;
  co_await giveBack();
  co_return std::nullopt;
}

Co<void> RemoteCalls::giveBack() {
  if (isAlive_ && borrowedBytes_ > 0)
    co_await writeTask(task_, borrowedAt_, borrowed_, borrowedBytes_);
  borrowedBytes_ = 0;
  co_await closeMemory();
  if (pageAt_ == 0) co_return;
  co_await unmap(std::exchange(pageAt_, 0), kPage);
}

}  // namespace cpugate
