#include "guard.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

#include "system_calls.h"

namespace cpugate {

namespace {

constexpr uint32_t argumentLow(unsigned index) {
  return static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * index);
}

constexpr sock_filter load(uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
constexpr sock_filter give(uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }

constexpr uint32_t kTrace = SECCOMP_RET_TRACE | kGuardMark;
constexpr uint32_t kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;

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

  /** A pointer to new settings as second argument: what only asks doesn't stop. */
  void traceIfSecond(uint32_t number) {
    onCall(number, 6);
    add(load(argumentLow(1)));
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2));
    add(load(argumentLow(1) + 4));
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
    add(give(kTrace));
    add(give(SECCOMP_RET_ALLOW));
  }

  void traceIfFirstIs(uint32_t number, uint32_t value) {
    onCall(number, 4);
    add(load(argumentLow(0)));
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    add(give(kTrace));
    add(give(SECCOMP_RET_ALLOW));
  }

  void traceIfBits(uint32_t number, unsigned argument, uint32_t bits) {
    onCall(number, 4);
    add(load(argumentLow(argument)));
    add(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    add(give(kTrace));
    add(give(SECCOMP_RET_ALLOW));
  }

  void refuse(uint32_t number) {
    onCall(number, 1);
    add(give(kNoSuchCall));
  }

  sock_filter* at(unsigned place) { return &program_[place]; }
  unsigned length() const { return length_; }
  sock_fprog program() { return {static_cast<unsigned short>(length_), program_}; }

 private:
  unsigned length_ = 0;
  sock_filter program_[160]{};
};

void addRules(Filter& filter, const SystemCalls& calls) {
  filter.add(load(offsetof(seccomp_data, nr)));
  filter.traceIfSecond(calls.sigprocmask);
  filter.traceAlways(calls.sigreturn);
  filter.traceIfFirstIs(calls.sigaction, SIGSEGV);
  filter.traceArchPrctl(calls.archPrctl);
  // A child that nobody traces could execute another program, which clears the trap.
  filter.traceIfBits(calls.clone, 0, CLONE_UNTRACED);
  // Its flags lie in memory, where another thread can change them after a look: callers have clone.
  filter.refuse(calls.clone3);
  // Whoever listens to a filter could let a call pass that the supervisor would have stopped.
  filter.traceIfBits(calls.seccomp, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  if (calls.oldSigprocmask != 0) filter.traceIfSecond(calls.oldSigprocmask);
  if (calls.oldSigaction != 0) filter.traceIfFirstIs(calls.oldSigaction, SIGSEGV);
  if (calls.oldSignal != 0) filter.traceIfFirstIs(calls.oldSignal, SIGSEGV);
  if (calls.oldSigreturn != 0) filter.traceAlways(calls.oldSigreturn);
  filter.add(give(SECCOMP_RET_ALLOW));
}

}  // namespace

int installGuard() {
  Filter filter;
  filter.add(load(offsetof(seccomp_data, arch)));
  // To the rules of 32-bit calls; set when their place is known.
  filter.add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 0));
  const unsigned branch = filter.length() - 1;
  // x32 numbers have bit 30 set, and mean the same but for a few that are 512 and above.
  filter.add(load(offsetof(seccomp_data, nr)));
  filter.add(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kX32Bit, 0, 0));
  const unsigned x32Branch = filter.length() - 1;
  addRules(filter, kCalls64);
  filter.at(x32Branch)->jt = static_cast<uint8_t>(filter.length() - x32Branch - 1);
  addRules(filter, kCallsX32);
  filter.at(branch)->jt = static_cast<uint8_t>(filter.length() - branch - 1);
  addRules(filter, kCalls32);
  sock_fprog program = filter.program();
  // Without CAP_SYS_ADMIN only for programs that gain no privileges, which tracing rules out anyway.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return 0;
  if (errno != EACCES) return errno;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

}  // namespace cpugate
