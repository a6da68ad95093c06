/** Restartable sequences (linux/rseq.h): code that, interrupted, the kernel leads elsewhere. */
#ifndef CPUGATE_SUPERVISOR_RSEQ_H_
#define CPUGATE_SUPERVISOR_RSEQ_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "script.h"
#include "task.h"
#include "tracee.h"

namespace cpugate {

/** Where the thread's struct rseq lies; nothing where it has none, or the kernel doesn't tell. */
std::optional<uint64_t> rseqAreaOf(pid_t tid);

/** Where a thread in a sequence goes on when it is interrupted; 0: it stands in none. */
Co<uint64_t> abortOfSequence(const Task& task, const Registers& registers);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_RSEQ_H_
