/** The supervisor's own command line. */
#ifndef CPUGATE_SUPERVISOR_OPTIONS_H_
#define CPUGATE_SUPERVISOR_OPTIONS_H_

#include <sys/types.h>

#include <optional>
#include <vector>

namespace cpugate {

enum class Mode { kRun, kAttach, kAdopt, kControl, kRewrite, kProbe, kMeasure, kCheckMask, kSites };

/** How CPUID is to trap; auto: by faulting where that works. */
enum class Trap { kFaulting, kPatch, kAuto };

struct Options {
  Mode mode = Mode::kRun;
  Trap trap = Trap::kFaulting;
  const char* mask = nullptr;
  const char* pidFile = nullptr;
  const char* runtimeDir = nullptr;
  std::vector<pid_t> pids;
  std::vector<pid_t> keepStopped;
  std::vector<const char*> cgroups;
  bool background = false;
  /** attach, adopt: the tasks have always been under this mask, or one that shows no more. */
  bool fromStart = false;
  pid_t until = 0;
  /** control: what is asked for. */
  const char* request = nullptr;
  /** rewrite: words of memory; ends with a null pointer. */
  char* const* words = nullptr;
  /** sites: ends with a null pointer. */
  char* const* files = nullptr;
  /** run: ends with a null pointer. */
  char* const* command = nullptr;
};

/** Nothing where it can't be understood; that was said on standard error. */
std::optional<Options> parseOptions(int argc, char** argv);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_OPTIONS_H_
