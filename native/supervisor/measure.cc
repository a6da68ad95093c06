/**
 * A task whose CPUID traps must execute none here, since nobody answers it: all that runs in one is
 * a loop of system calls. Whatever happens there, the caller waits for a bounded time and ends what
 * it has started.
 */
#include "measure.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "../cpu/affinity.h"
#include "../cpu/cpuid.h"
#include "complain.h"
#include "launch.h"
#include "scoped_fd.h"
#include "trap_source.h"

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif

namespace cpugate {
namespace {

constexpr size_t kRounds = 9;
constexpr uint64_t kSliceNs = 3'000'000;
/** Between two looks at the clock. */
constexpr unsigned kBatch = 8;
/** For all rounds of one measurement, which take 80 ms on a host that isn't busy. */
constexpr int kLimitMs = 3000;
constexpr uint64_t kCpuidBytes = 2;

using Rounds = std::array<uint64_t, kRounds>;

uint64_t now() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

/** The calling thread's own. */
bool setTrap(bool traps) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, traps ? 0L : 1L) == 0; }

/** Nanoseconds a time; 0: it failed. */
template <typename Step>
uint64_t timeOf(Step step) {
  const uint64_t begin = now();
  for (uint64_t count = 0;;) {
    for (unsigned i = 0; i < kBatch; ++i)
      if (!step()) return 0;
    count += kBatch;
    const uint64_t spent = now() - begin;
    if (spent >= kSliceNs) return std::max<uint64_t>(spent / count, 1);
  }
}

/** A child that doesn't outlive this process; `body` is all that it does. */
template <typename Body>
pid_t forkChild(Body body) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() == parent) body();
  _exit(0);
}

void end(pid_t child) {
  if (child <= 0) return;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

struct Pipe {
  ScopedFd out;
  ScopedFd in;

  static std::optional<Pipe> make() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
    return Pipe{ScopedFd(ends[0]), ScopedFd(ends[1])};
  }
};

/** What `body` measures in a child and writes to the descriptor it is given, if it is in time. */
template <typename Result, typename Body>
std::optional<Result> measureInChild(Body body) {
  static_assert(sizeof(Result) <= 4096, "a pipe takes that much at once (PIPE_BUF)");
  auto pipe = Pipe::make();
  if (!pipe) return std::nullopt;
  const pid_t child = forkChild([&] {
    const std::optional<Result> result = body();
    if (result && write(pipe->in.get(), &*result, sizeof *result) < 0) _exit(1);
  });
  pipe->in.reset();
  pollfd ready = {.fd = pipe->out.get(), .events = POLLIN, .revents = 0};
  Result result;
  const bool isThere =
      child > 0 && poll(&ready, 1, kLimitMs) == 1 &&
      read(pipe->out.get(), &result, sizeof result) == static_cast<ssize_t>(sizeof result);
  end(child);
  return isThere ? std::optional(result) : std::nullopt;
}

/** A byte goes there and back; its value tells the partner what to do first. */
enum : char { kEcho, kTrap, kDontTrap };

class PingPong {
 public:
  explicit PingPong(unsigned cpu) : there_(Pipe::make()), back_(Pipe::make()) {
    if (!there_ || !back_ || moveTo(cpu) != 0) return;
    partner_ = forkChild([&] {
      there_->in.reset();
      echo();
    });
  }
  ~PingPong() { end(partner_); }
  PingPong(const PingPong&) = delete;
  PingPong& operator=(const PingPong&) = delete;

  /** Nanoseconds a switch; 0: it failed. */
  uint64_t time(bool isMasked, bool isPartnerMasked) {
    if (partner_ <= 0 || !setTrap(isMasked) || !exchange(isPartnerMasked ? kTrap : kDontTrap))
      return 0;
    return timeOf([&] { return exchange(kEcho); }) / 2;
  }

 private:
  void echo() {
    for (char byte; read(there_->out.get(), &byte, 1) == 1;) {
      if (byte != kEcho && !setTrap(byte == kTrap)) return;
      if (write(back_->in.get(), &byte, 1) != 1) return;
    }
  }

  bool exchange(char byte) {
    return write(there_->in.get(), &byte, 1) == 1 && read(back_->out.get(), &byte, 1) == 1;
  }

  std::optional<Pipe> there_;
  std::optional<Pipe> back_;
  pid_t partner_ = -1;
};

struct Switches {
  Rounds unmasked, mixed, masked;
};

std::optional<Switches> timeSwitches(unsigned cpu) {
  PingPong pair(cpu);
  Switches times = {};
  for (size_t round = 0; round < kRounds; ++round) {
    times.unmasked[round] = pair.time(false, false);
    times.mixed[round] = pair.time(false, true);
    times.masked[round] = pair.time(true, true);
    if (times.unmasked[round] == 0 || times.mixed[round] == 0 || times.masked[round] == 0)
      return std::nullopt;
  }
  return times;
}

/** Executes CPUID for ever; each traps. */
void executeTraps() {
  if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0 || raise(SIGSTOP) != 0 || !setTrap(true)) return;
  for (;;) executeCpuid(0, 0);
}

/** The least that a tracer does at a trap. */
bool passTrap(pid_t tracee) {
  int status;
  user_regs_struct registers;
  if (waitpid(tracee, &status, 0) != tracee || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGSEGV)
    return false;
  if (ptrace(PTRACE_GETREGS, tracee, 0, &registers) != 0) return false;
  registers.rip += kCpuidBytes;
  return ptrace(PTRACE_SETREGS, tracee, 0, &registers) == 0 &&
         ptrace(PTRACE_CONT, tracee, 0, 0) == 0;
}

class Traps {
 public:
  /** Both begin on the CPU, and the tracee stays there. */
  explicit Traps(unsigned cpu) {
    if (moveTo(cpu) != 0) return;
    tracee_ = forkChild(executeTraps);
    int status;
    isReady_ = tracee_ > 0 && waitpid(tracee_, &status, 0) == tracee_ && WIFSTOPPED(status) &&
               ptrace(PTRACE_SETOPTIONS, tracee_, 0, PTRACE_O_EXITKILL) == 0 &&
               ptrace(PTRACE_CONT, tracee_, 0, 0) == 0;
  }
  ~Traps() { end(tracee_); }
  Traps(const Traps&) = delete;
  Traps& operator=(const Traps&) = delete;

  /** With the tracer on a CPU. */
  uint64_t time(unsigned cpu) {
    if (!isReady_ || moveTo(cpu) != 0) return 0;
    return timeOf([&] { return passTrap(tracee_); });
  }

 private:
  pid_t tracee_ = -1;
  bool isReady_ = false;
};

struct Stops {
  /** On two CPUs 0 where there is one. */
  Rounds oneCpu, twoCpus;
};

std::optional<Stops> timeStops(const std::vector<unsigned>& cpus) {
  Traps traps(cpus.front());
  // As the supervisor does: a tracer whose own CPUID traps spares the kernel a write at each
  // switch.
  if (!setTrap(true)) return std::nullopt;
  Stops times = {};
  for (size_t round = 0; round < kRounds; ++round) {
    times.oneCpu[round] = traps.time(cpus.front());
    if (cpus.size() > 1) times.twoCpus[round] = traps.time(cpus[1]);
    if (times.oneCpu[round] == 0) return std::nullopt;
  }
  return times;
}

std::optional<Rounds> timeCpuid() {
  Rounds times = {};
  for (auto& one : times)
    one = timeOf([] {
      executeCpuid(0, 0);
      return true;
    });
  return times;
}

void print(const char* name, Rounds times) {
  const auto middle = times.begin() + kRounds / 2;
  std::nth_element(times.begin(), middle, times.end());
  if (*middle != 0) printf("%s %llu\n", name, static_cast<unsigned long long>(*middle));
}

}  // namespace

int measureMain() {
  std::string error;
  if (!cpuidFaulting().works(&error)) {
    complain("%s", error.c_str());
    return kUnavailable;
  }
  const std::vector<unsigned> cpus = allowedCpus().value_or(std::vector<unsigned>{});
  if (cpus.empty()) {
    complain("can't find out on which CPUs this process may run");
    return kUnavailable;
  }
  if (const auto times = measureInChild<Switches>([&] { return timeSwitches(cpus.front()); })) {
    print("switch-unmasked", times->unmasked);
    print("switch-mixed", times->mixed);
    print("switch-masked", times->masked);
  }
  if (const auto times = measureInChild<Rounds>(timeCpuid)) print("cpuid-unmasked", *times);
  if (const auto times = measureInChild<Stops>([&] { return timeStops(cpus); })) {
    print("stop-one-cpu", times->oneCpu);
    print("stop-two-cpus", times->twoCpus);
  }
  return fflush(stdout) == 0 ? 0 : kSupervisorFailed;
}

}  // namespace cpugate
