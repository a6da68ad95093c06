#include "cpus.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

namespace cpugate {
namespace {

using Word = unsigned long;  // What the kernel's CPU masks are made of.
constexpr unsigned kWordBits = 8 * sizeof(Word);

Answer ExecuteCpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  Answer answer;
  __asm__ volatile("cpuid"
                   : "=a"(answer.eax), "=b"(answer.ebx), "=c"(answer.ecx), "=d"(answer.edx)
                   : "a"(leaf), "c"(subleaf));
  return answer;
}

std::uint64_t ExecuteXgetbv(std::uint32_t index) {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
  return (std::uint64_t{high} << 32) | low;
}

// 0 or errno. The C library's cpu_set_t ends at 1024 CPUs; the kernel takes masks of any length.
int PinTo(unsigned cpu) {
  std::vector<Word> mask(cpu / kWordBits + 1);
  mask.back() = Word{1} << (cpu % kWordBits);
  return syscall(SYS_sched_setaffinity, 0, mask.size() * sizeof(Word), mask.data()) == 0 ? 0
                                                                                         : errno;
}

// Whether this thread is still where PinTo put it. When a CPU goes offline, or leaves the cpuset,
// the kernel moves the thread and widens its mask.
bool StillPinnedTo(unsigned cpu) {
  unsigned now = 0;
  if (syscall(SYS_getcpu, &now, nullptr, nullptr) != 0 || now != cpu) return false;
  const auto allowed = AllowedCpus();
  return allowed && *allowed == std::vector<unsigned>{cpu};
}

CpuAnswers ProbeCpu(unsigned cpu) {
  CpuAnswers result;
  result.cpu = cpu;
  result.error = PinTo(cpu);
  if (result.error != 0) return result;
  Enumeration answers = Enumerate({ExecuteCpuid, ExecuteXgetbv});
  if (StillPinnedTo(cpu))
    result.answers = std::move(answers);
  else
    result.error = EAGAIN;  // The answers may be of two CPUs.
  return result;
}

struct Questions {
  const std::vector<unsigned>& cpus;
  std::vector<CpuAnswers> results;
};

void* AskAll(void* argument) {
  auto& questions = *static_cast<Questions*>(argument);
  for (unsigned cpu : questions.cpus) questions.results.push_back(ProbeCpu(cpu));
  return nullptr;
}

}  // namespace

std::optional<std::vector<unsigned>> AllowedCpus() {
  constexpr std::size_t kEnough = 1 << 14;  // words: a million CPUs
  for (std::size_t words = 1024 / kWordBits; words <= kEnough; words *= 2) {
    std::vector<Word> mask(words);
    const long filled = syscall(SYS_sched_getaffinity, 0, words * sizeof(Word), mask.data());
    if (filled < 0 && errno == EINVAL) continue;  // The kernel's masks are longer.
    if (filled < 0) break;
    std::vector<unsigned> cpus;
    for (unsigned cpu = 0; cpu < static_cast<unsigned>(filled) * 8; ++cpu)
      if (((mask[cpu / kWordBits] >> (cpu % kWordBits)) & 1) != 0) cpus.push_back(cpu);
    return cpus;
  }
  return std::nullopt;
}

std::optional<std::vector<CpuAnswers>> ProbeCpus(const std::vector<unsigned>& cpus) {
  Questions questions = {.cpus = cpus, .results = {}};
  questions.results.reserve(cpus.size());
  // A thread of its own: the caller's affinity is never touched, so nothing has to be put back.
  pthread_t thread;
  errno = pthread_create(&thread, nullptr, AskAll, &questions);
  if (errno != 0) return std::nullopt;
  pthread_join(thread, nullptr);
  return std::move(questions.results);
}

std::optional<std::vector<CpuAnswers>> ProbeCpus() {
  const auto allowed = AllowedCpus();
  return allowed ? ProbeCpus(*allowed) : std::nullopt;
}

}  // namespace cpugate
