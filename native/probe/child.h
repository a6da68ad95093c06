/** Runs a few system calls in a forked child, whatever becomes of it there. */
#ifndef CPUGATE_PROBE_CHILD_H_
#define CPUGATE_PROBE_CHILD_H_

#include <atomic>
#include <chrono>

namespace cpugate {

/** Memory that parent and child share; the only way that a child reports. */
struct ChildReport {
  std::atomic<int> stage;
  std::atomic<int> error;
  std::atomic<int> code;
  /** For a signal handler; AT_MINSIGSTKSZ of a CPU with tiles is 11 KiB. */
  alignas(64) unsigned char signalStack[64 * 1024];
};
static_assert(std::atomic<int>::is_always_lock_free, "shared between processes");

enum class ChildEnd {
  kExited,   // by itself
  kKilled,   // by the signal in ChildOutcome::number
  kTimeout,  // took too long, and was killed
  kNoChild,  // fork or mmap failed with the errno in ChildOutcome::number
  kUnknown,  // gone, but somebody else (SIGCHLD ignored) took its status
};

struct ChildOutcome {
  ChildEnd end = ChildEnd::kNoChild;
  int number = 0;
  int stage = 0;
  int error = 0;
  int code = 0;
};

/**
 * `body` runs in the child with all signals blocked and must restrict itself to
 * async-signal-safe calls: other threads of the parent may have held locks at the fork.
 */
ChildOutcome runInChild(void (*body)(ChildReport&), std::chrono::milliseconds limit);

}  // namespace cpugate

#endif  // CPUGATE_PROBE_CHILD_H_
