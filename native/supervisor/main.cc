/**
 * cpugate's supervisor: runs tasks under a mask of CPUID. Called by "cpugate run" and its like, which
 * check beforehand what people can get wrong; here only what must hold is checked again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "complain.h"
#include "printable.h"
#include "launch.h"
#include "mask.h"
#include "measure.h"
#include "options.h"
#include "probe.h"
#include "processes.h"
#include "session.h"
#include "trap_source.h"

namespace cpugate {
namespace {

std::optional<Mask> loadMask(const char* path) {
  std::string error;
  auto mask = readMask(path, &error);
  if (!mask) complain("%s %s", printable(path).c_str(), error.c_str());
  return mask;
}

int checkMask(const char* path) { return loadMask(path) ? 0 : kUsage; }

int fail(const std::string& error, int status) {
  complain("%s", error.c_str());
  return status;
}

int runProgram(const Options& options) {
  const auto mask = loadMask(options.mask);
  if (!mask) return kUsage;
  std::string error;
  if (!cpuidFaulting().works(&error)) return fail(error, kUnavailable);
  const Launch launch(options.command);
  if (launch.pid() < 0) return kSupervisorFailed;
  // Tasks of the same user mustn't read or trace their supervisor.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  forwardSignals(launch.pid());
  Session session(options, *mask);
  session.keepsGuarded();
  session.supervisor().addLaunched(launch.pid());
  // Without a socket nobody can ask for anything, but the mask is as good.
  if (!session.listen(&error)) fail(error, 0);
  if (!session.writePidFile(&error)) return fail(error, kSupervisorFailed);
  if (!launch.open()) return kSupervisorFailed;
  const auto end = session.run(launch.pid());
  const int outcome = launch.outcome(options.command);
  if (outcome != 0) return outcome;
  return end ? end->shellCode() : kSupervisorFailed;
}

/** In the background, the caller is let go when all tasks are in hand, or with the failure's status. */
class Readiness {
 public:
  explicit Readiness(bool background) {
    int ends[2];
    if (!background || pipe2(ends, O_CLOEXEC) != 0) return;
    const pid_t child = fork();
    if (child == 0) {
      setsid();
      close(ends[0]);
      tell_.reset(ends[1]);
      return;
    }
    close(ends[1]);
    unsigned char status;
    int end;
    if (child > 0 && read(ends[0], &status, 1) == 1) _exit(status);
    _exit(child > 0 && waitpid(child, &end, 0) == child && WIFEXITED(end) ? WEXITSTATUS(end) : kSupervisorFailed);
  }

  void tell() {
    if (tell_.isOpen() && write(tell_.get(), "", 1) != 1) return;
    tell_.reset();
  }

 private:
  ScopedFd tell_;
};

std::vector<pid_t> wantedProcesses(const Options& options, std::string* error) {
  std::vector<pid_t> pids = options.pids;
  for (const pid_t pid : pids)
    if (threadsOf(pid).empty()) *error = "there is no process " + std::to_string(pid);
  for (const char* cgroup : options.cgroups)
    if (!processesIn(cgroup, &pids)) *error = std::string(cgroup) + " is not a cgroup v2 folder";
  return pids;
}

/** attach: tasks that run. adopt: tasks that CRIU has left stopped; they go on when all are armed. */
int holdTasks(const Options& options) {
  const auto mask = loadMask(options.mask);
  if (!mask) return kUsage;
  std::string error;
  if (!cpuidFaulting().works(&error)) return fail(error, kUnavailable);
  const auto pids = wantedProcesses(options, &error);
  if (!error.empty()) return fail(error, kUsage);
  Readiness readiness(options.background);
  Session session(options, *mask);
  if (!session.listen(&error)) return fail(error, kSupervisorFailed);
  const bool adopts = options.mode == Mode::kAdopt;
  const std::set<pid_t> keepStopped(options.keepStopped.begin(), options.keepStopped.end());
  if (!session.holding().take(pids, !options.pids.empty(), adopts, keepStopped, &error))
    return fail(error, kSupervisorFailed);
  if (!session.writePidFile(&error)) return fail(error, kSupervisorFailed);
  readiness.tell();
  const auto end = session.run(options.pids.empty() ? 0 : options.pids.front());
  return adopts && end ? end->shellCode() : 0;
}

int control(const Options& options) {
  const std::string folder = options.runtimeDir != nullptr ? options.runtimeDir : defaultRuntimeDir();
  return askSupervisor(folder, {options.request, options.pids.front(), options.until, 0});
}

}  // namespace
}  // namespace cpugate

int main(int argc, char** argv) {
  const auto options = cpugate::parseOptions(argc, argv);
  if (!options) return cpugate::kUsage;
  switch (options->mode) {
    case cpugate::Mode::kRun:
      return cpugate::runProgram(*options);
    case cpugate::Mode::kAttach:
    case cpugate::Mode::kAdopt:
      return cpugate::holdTasks(*options);
    case cpugate::Mode::kControl:
      return cpugate::control(*options);
    case cpugate::Mode::kProbe:
      return cpugate::probeMain();
    case cpugate::Mode::kMeasure:
      return cpugate::measureMain();
    case cpugate::Mode::kCheckMask:
      return cpugate::checkMask(options->mask);
  }
  return cpugate::kUsage;
}
