#include "guard.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "memory.h"
#include "system_calls.h"

namespace cpugate {

namespace {

constexpr uint32_t argumentLow(unsigned index) {
  return static_cast<uint32_t>(offsetof(seccomp_data, args) + sizeof(uint64_t) * index);
}

constexpr sock_filter load(uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
constexpr sock_filter give(uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }

constexpr uint32_t kTrace = SECCOMP_RET_TRACE | kGuardMark;

/** A filter in the making: each rule leaves the accumulator with the call's number. */
class Filter {
 public:
  void add(sock_filter instruction) { program_[length_++] = instruction; }

  /** If the number is `number`, runs the next `count` instructions, else passes over them. */
  void onCall(uint32_t number, uint8_t count) {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, count));
  }

  void traceAlways(uint32_t number) {
    onCall(number, 1);
    add(give(kTrace));
  }

  /** arch_prctl: CPUID on and off, and permission for large state (0x1021 … 0x1025). */
  void traceArchPrctl(uint32_t number) {
    onCall(number, 7);
    add(load(argumentLow(0)));
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchGetCpuid, 3, 0));
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchSetCpuid, 2, 0));
    add(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kArchXcompFirst, 0, 2));
    add(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, kArchXcompLast, 1, 0));
    add(give(kTrace));
    add(give(SECCOMP_RET_ALLOW));
  }

  void refuseAlways(uint32_t number, uint32_t error) {
    onCall(number, 1);
    add(give(SECCOMP_RET_ERRNO | error));
  }

  void traceIfIs(uint32_t number, unsigned argument, uint32_t value) {
    onCall(number, 4);
    add(load(argumentLow(argument)));
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    add(give(kTrace));
    add(give(SECCOMP_RET_ALLOW));
  }

  void onBits(uint32_t number, unsigned argument, uint32_t bits, uint32_t action) {
    onCall(number, 4);
    add(load(argumentLow(argument)));
    add(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    add(give(action));
    add(give(SECCOMP_RET_ALLOW));
  }

  sock_filter* at(unsigned place) { return &program_[place]; }
  unsigned length() const { return length_; }
  sock_fprog program() { return {static_cast<unsigned short>(length_), program_}; }

 private:
  unsigned length_ = 0;
  sock_filter program_[256]{};
};

/** Whether the supervisor stays for as long as the guard does, and whether it watches code, too. */
enum class Kind { kFromStart, kWatchingCode, kLater };

/** In the order in which programs make them. */
void addCodeRules(Filter& filter, const SystemCalls& calls) {
  filter.onBits(calls.mmap, 2, PROT_EXEC, kTrace);
  filter.onBits(calls.mprotect, 2, PROT_EXEC, kTrace);
  filter.onBits(calls.pkeyMprotect, 2, PROT_EXEC, kTrace);
  filter.onBits(calls.shmat, 2, SHM_EXEC, kTrace);
  // Whether what is moved is executable isn't told.
  filter.traceAlways(calls.mremap);
}

void addRules(Filter& filter, const SystemCalls& calls, Kind kind) {
  filter.add(load(offsetof(seccomp_data, nr)));
  if (kind == Kind::kWatchingCode) addCodeRules(filter, calls);
  if (kind != Kind::kLater) {
    filter.traceAlways(calls.execve);
    filter.traceAlways(calls.execveat);
    filter.traceIfIs(calls.sigaction, 0, SIGSEGV);
    if (calls.oldSigaction != 0) filter.traceIfIs(calls.oldSigaction, 0, SIGSEGV);
    if (calls.oldSignal != 0) filter.traceIfIs(calls.oldSignal, 0, SIGSEGV);
    // Made without the flag, which the supervisor can take out of a register. Of clone3 it can't:
    // see above.
    filter.onBits(calls.clone, 0, CLONE_UNTRACED, kTrace);
    // Memory that the task fills itself must not hold up the supervisor.
    filter.traceAlways(calls.userfaultfd);
    filter.traceIfIs(calls.ioctl, 1, kIoctlUserfaultfd);
  } else {
    filter.refuseAlways(calls.clone3, ENOSYS);
    filter.onBits(calls.clone, 0, CLONE_UNTRACED, SECCOMP_RET_ERRNO | EPERM);
  }
  filter.traceArchPrctl(calls.archPrctl);
  // Whoever listens to a filter could let a call pass that the supervisor would have stopped.
  filter.onBits(calls.seccomp, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER, kTrace);
  filter.add(give(SECCOMP_RET_ALLOW));
}

Filter makeGuard(Kind kind) {
  Filter filter;
  filter.add(load(offsetof(seccomp_data, arch)));
  // To the rules of 32-bit calls; set when their place is known.
  filter.add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 0));
  const unsigned branch = filter.length() - 1;
  filter.add(load(offsetof(seccomp_data, nr)));
  filter.add(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kX32Bit, 0, 0));
  const unsigned x32Branch = filter.length() - 1;
  addRules(filter, kCalls64, kind);
  filter.at(x32Branch)->jt = static_cast<uint8_t>(filter.length() - x32Branch - 1);
  addRules(filter, kCallsX32, kind);
  filter.at(branch)->jt = static_cast<uint8_t>(filter.length() - branch - 1);
  addRules(filter, kCalls32, kind);
  return filter;
}

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif

/** The number of the 32-bit call. */
constexpr long kPrctl = 172;

}  // namespace

int installGuard(bool watchesCode) {
  Filter filter = makeGuard(watchesCode ? Kind::kWatchingCode : Kind::kFromStart);
  sock_fprog program = filter.program();
  // Without CAP_SYS_ADMIN only for programs that gain no privileges, which tracing rules out
  // anyway.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return 0;
  if (errno != EACCES) return errno;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

Co<bool> installGuardIn(RemoteCalls& calls) {
  Filter filter = makeGuard(Kind::kLater);
  constexpr uint64_t kPage = 4096;
  const auto room = co_await calls.map(kPage);
  if (!room) co_return false;
  const uint64_t at = *room;
  // struct sock_fprog: the length, and the address at its natural place.
  const uint64_t instructions = at + 16;
  char head[16]{};
  const auto length = static_cast<uint16_t>(filter.length());
  memcpy(head, &length, sizeof length);
  memcpy(head + (calls.is32() ? 4 : 8), &instructions, calls.is32() ? 4 : 8);
  bool done = co_await writeTask(calls.task(), at, head, sizeof head);
  if (done)
    done =
        co_await writeTask(calls.task(), instructions, filter.at(0), length * sizeof(sock_filter));
  for (int attempt = 0; done && attempt < 2; ++attempt) {
    const RemoteCalls::Arguments arguments{
        SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, at, 0, 0, 0};
    const auto result = co_await calls.call(SYS_seccomp, kCalls32.seccomp, arguments);
    if (result == 0) break;
    done = attempt == 0 && result == -EACCES;
    if (!done) break;
    // Without the right to do it otherwise, the process gives up gaining privileges by exec.
    const RemoteCalls::Arguments noNew{PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0};
    const auto gaveUp = co_await calls.call(SYS_prctl, kPrctl, noNew);
    done = gaveUp == 0;
  }
  co_await calls.unmap(at, kPage);
  co_return done;
}

bool isCodeCall(const SystemCalls& calls, uint64_t number) {
  return number == calls.mmap || number == calls.mprotect || number == calls.pkeyMprotect ||
         number == calls.mremap || number == calls.shmat;
}

bool hasGuard(pid_t tid) {
  Filter guards[] = {makeGuard(Kind::kFromStart), makeGuard(Kind::kWatchingCode),
                     makeGuard(Kind::kLater)};
  std::vector<sock_filter> found;
  for (long place = 0;; ++place) {
    const long length = syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, tid, place, nullptr);
    if (length < 0) return false;
    found.resize(static_cast<size_t>(length));
    if (syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, tid, place, found.data()) != length)
      return false;
    for (Filter& guard : guards)
      if (found.size() == guard.length() &&
          memcmp(found.data(), guard.at(0), found.size() * sizeof(sock_filter)) == 0)
        return true;
  }
}

}  // namespace cpugate
