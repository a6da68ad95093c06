/**
 * cpugate's supervisor: runs tasks under a mask of CPUID. Called by "cpugate run" and its like, which
 * check beforehand what people can get wrong; here only what must hold is checked again.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include <string>
#include <vector>

#include "launch.h"
#include "mask.h"
#include "options.h"
#include "probe.h"
#include "supervisor.h"
#include "trap_source.h"

namespace cpugate {
namespace {

std::optional<Mask> loadMask(const char* path) {
  std::string error;
  auto mask = readMask(path, &error);
  if (!mask) fprintf(stderr, "cpugate-supervisor: %s %s\n", path, error.c_str());
  return mask;
}

int checkMask(const char* path) { return loadMask(path) ? 0 : kUsage; }

int runProgram(const Options& options) {
  const auto mask = loadMask(options.mask);
  if (!mask) return kUsage;
  std::string error;
  if (!cpuidFaulting().works(&error)) {
    fprintf(stderr, "cpugate-supervisor: %s\n", error.c_str());
    return kUnavailable;
  }
  const Launch launch(options.command);
  if (launch.pid() < 0) return kSupervisorFailed;
  // Tasks of the same user mustn't read or trace their supervisor.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  forwardSignals(launch.pid());
  Supervisor supervisor(*mask, cpuidFaulting());
  supervisor.add(launch.pid(), true);
  const auto end = supervisor.run(launch.pid(), [] { return true; });
  const int outcome = launch.outcome(options.command);
  if (outcome != 0) return outcome;
  return end ? end->shellCode() : kSupervisorFailed;
}

}  // namespace
}  // namespace cpugate

int main(int argc, char** argv) {
  const auto options = cpugate::parseOptions(argc, argv);
  if (!options) return cpugate::kUsage;
  switch (options->mode) {
    case cpugate::Mode::kRun:
      return cpugate::runProgram(*options);
    case cpugate::Mode::kProbe:
      return cpugate::probeMain();
    case cpugate::Mode::kCheckMask:
      return cpugate::checkMask(options->mask);
    default:
      return cpugate::kUsage;
  }
}
