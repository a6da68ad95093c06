#include "cpus.h"

#include <pthread.h>

#include <cerrno>
#include <utility>

#include "../cpu/affinity.h"

namespace cpugate {
namespace {

/**
 * When a CPU goes offline, or leaves the cpuset, the kernel moves the thread and widens its mask.
 */
bool stillPinnedTo(unsigned cpu) {
  return runsOn(cpu) && allowedCpus() == std::vector<unsigned>{cpu};
}

CpuAnswers probeCpu(unsigned cpu, const Enumeration* sibling) {
  CpuAnswers result;
  result.cpu = cpu;
  result.error = moveTo(cpu);
  if (result.error != 0) return result;
  Enumeration answers = enumerate({executeCpuid, executeXgetbv}, sibling);
  if (stillPinnedTo(cpu))
    result.answers = std::move(answers);
  else
    result.error = EAGAIN;  // The answers may be of two CPUs.
  return result;
}

struct Questions {
  const std::vector<unsigned>& cpus;
  std::vector<CpuAnswers> results;
};

void* askAll(void* argument) {
  auto& questions = *static_cast<Questions*>(argument);
  const Enumeration* sibling = nullptr;
  for (unsigned cpu : questions.cpus) {
    // None moves: there is room for all of them.
    questions.results.push_back(probeCpu(cpu, sibling));
    if (questions.results.back().error == 0) sibling = &questions.results.back().answers;
  }
  return nullptr;
}

}  // namespace

std::optional<std::vector<CpuAnswers>> probeCpus(const std::vector<unsigned>& cpus) {
  Questions questions = {.cpus = cpus, .results = {}};
  questions.results.reserve(cpus.size());
  // A thread of its own: the caller's affinity is never touched, so nothing has to be put back.
  pthread_t thread;
  errno = pthread_create(&thread, nullptr, askAll, &questions);
  if (errno != 0) return std::nullopt;
  pthread_join(thread, nullptr);
  return std::move(questions.results);
}

std::optional<std::vector<CpuAnswers>> probeCpus() {
  const auto allowed = allowedCpus();
  return allowed ? probeCpus(*allowed) : std::nullopt;
}

}  // namespace cpugate
