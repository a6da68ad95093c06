#include "rseq.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "memory.h"

namespace cpugate {

namespace {

/** PTRACE_GET_RSEQ_CONFIGURATION and what it fills (linux/ptrace.h, from 5.13 on). */
constexpr int kGetRseqConfiguration = 0x420f;
struct RseqConfiguration {
  uint64_t address;
  uint32_t size;
  uint32_t signature;
  uint32_t flags;
  uint32_t padding;
};

/** Of struct rseq, behind two words about CPUs (linux/rseq.h). */
constexpr uint64_t kSequencePointer = 8;

/** struct rseq_cs. */
struct Sequence {
  uint32_t version;
  uint32_t flags;
  uint64_t start;
  uint64_t length;
  uint64_t abort;
};

}  // namespace

std::optional<uint64_t> rseqAreaOf(pid_t tid) {
  RseqConfiguration area = {};
  if (syscall(SYS_ptrace, kGetRseqConfiguration, tid, sizeof area, &area) < 0 || area.address == 0)
    return std::nullopt;
  return area.address;
}

Co<uint64_t> abortOfSequence(const Task& task, const Registers& registers) {
  const auto area = rseqAreaOf(task.tid);
  if (!area) co_return 0;
  uint64_t pointer = 0;
  const size_t gotPointer =
      co_await readTask(task, *area + kSequencePointer, &pointer, sizeof pointer);
  if (gotPointer != sizeof pointer || pointer == 0) co_return 0;
  Sequence sequence = {};
  const size_t got = co_await readTask(task, pointer, &sequence, sizeof sequence);
  if (got != sizeof sequence || registers.rip - sequence.start >= sequence.length) co_return 0;
  co_return sequence.abort;
}

}  // namespace cpugate
