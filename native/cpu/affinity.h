/**
 * Which CPUs there are, and where this thread runs. By system call: the C library's cpu_set_t ends
 * at 1024 CPUs, the kernel takes masks of any length.
 */
#ifndef CPUGATE_CPU_AFFINITY_H_
#define CPUGATE_CPU_AFFINITY_H_

#include <optional>
#include <string_view>
#include <vector>

namespace cpugate {

/** More CPUs than Linux can be built for. */
inline constexpr unsigned kMaxCpus = 1 << 16;

/** Numbers of the CPUs that this thread may run on, ascending. Nothing: errno says why. */
std::optional<std::vector<unsigned>> allowedCpus();

/** All that a task may get to; empty where they can't be told. */
std::vector<unsigned> onlineCpus();

/** Of the kernel's text: ranges and single numbers with commas between them. */
std::vector<unsigned> cpusOfList(std::string_view text);

/** Moves this thread to one CPU, and holds it there: 0 or errno. */
int moveTo(unsigned cpu);

/** A CPU that goes offline, or leaves the cpuset, sends its threads elsewhere. */
bool runsOn(unsigned cpu);

/** Where this thread may run comes back as it was. */
class AffinityKept {
 public:
  AffinityKept();
  ~AffinityKept();
  AffinityKept(const AffinityKept&) = delete;
  AffinityKept& operator=(const AffinityKept&) = delete;

  /** Else it couldn't come back, and must not be changed. */
  bool isKnown() const { return !before_.empty(); }

 private:
  /** The words of the kernel's mask. */
  std::vector<unsigned long> before_;
};

}  // namespace cpugate

#endif  // CPUGATE_CPU_AFFINITY_H_
