/**
 * cpugate's supervisor: runs tasks under a mask of CPUID. Called by "cpugate run" and its like,
 * which check beforehand what people can get wrong; here only what must hold is checked again.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "code_sites.h"
#include "complain.h"
#include "control_client.h"
#include "launch.h"
#include "mask.h"
#include "measure.h"
#include "options.h"
#include "pid_file.h"
#include "printable.h"
#include "probe.h"
#include "processes.h"
#include "refusals.h"
#include "rewrite.h"
#include "runtime_folder.h"
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

/** Its end would be that of all tasks: as far as it may, it is none that memory is got from. */
void avoidOomKiller() {
  constexpr const char* kFile = "/proc/self/oom_score_adj";
  char text[16]{};
  const ScopedFd file(open(kFile, O_RDWR | O_CLOEXEC));
  if (!file.isOpen() || read(file.get(), text, sizeof text - 1) <= 0) return;
  // Users without privileges may go down as far as somebody with them has allowed
  // (proc_pid_oom_score_adj(5)).
  for (int wanted = -1000; wanted < atoi(text); wanted += 100) {
    const std::string number = std::to_string(wanted);
    if (pwrite(file.get(), number.data(), number.size(), 0) > 0) return;
  }
}

/** For a process that holds tasks, when it has no more children to start. */
void prepareToHold() {
  // Tasks of the same user mustn't read or trace their supervisor.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // Whoever read its messages may be gone; a task of the same user can set limits (prlimit(2)) that
  // would end it by the others.
  for (const int own : {SIGPIPE, SIGXFSZ, SIGXCPU}) signal(own, SIG_IGN);
}

/** nullptr: none works here; `error` says why. */
const TrapSource* trapSource(Trap wanted, std::string* error) {
  if (wanted == Trap::kPatch) return &patchedCode();
  if (cpuidFaulting().works(error)) return &cpuidFaulting();
  return wanted == Trap::kAuto ? &patchedCode() : nullptr;
}

int runProgram(const Options& options) {
  const auto mask = loadMask(options.mask);
  if (!mask) return kUsage;
  if (const auto why = whyNothingCanBeHeld()) return fail(*why, kUsage);
  std::string error;
  PidFile pidFile;
  if (!pidFile.prepare(options.pidFile, &error)) return fail(error, kUsage);
  const TrapSource* source = trapSource(options.trap, &error);
  if (source == nullptr) return fail(error, kUnavailable);
  Launch launch(options.command, source->watchesCode());
  if (launch.pid() < 0) return kSupervisorFailed;
  // The program keeps what it was given.
  avoidOomKiller();
  prepareToHold();
  Session session(options, *mask, *source);
  session.supervisor().addLaunched(launch.pid());
  // Without a socket nobody can ask for anything, but the mask is as good.
  if (!session.listen(&error)) fail(error, 0);
  if (!session.start(&error)) return fail(error, kSupervisorFailed);
  session.setRoot(launch.takeProcess());
  if (!pidFile.write(&error)) return fail(error, kSupervisorFailed);
  if (!launch.open()) return kSupervisorFailed;
  const auto end = session.run();
  const int outcome = launch.outcome(options.command);
  if (outcome != 0) return outcome;
  return end ? end->shellCode() : kSupervisorFailed;
}

/** In the background, lets the caller go when all tasks are in hand, or with a failure's status. */
class Readiness {
 public:
  explicit Readiness(bool background) {
    int ends[2];
    if (!background || pipe2(ends, O_CLOEXEC) != 0) return;
    const pid_t child = fork();
    if (child == 0) {
      setsid();
      // Of what the caller had open nothing is needed, and others may wait for its end.
      constexpr int kOwn = STDERR_FILENO + 1;
      if (ends[1] != kOwn) dup3(ends[1], kOwn, O_CLOEXEC);
      syscall(SYS_close_range, kOwn + 1, ~0u, 0);
      tell_.reset(kOwn);
      return;
    }
    close(ends[1]);
    unsigned char status;
    int end;
    if (child > 0 && read(ends[0], &status, 1) == 1) _exit(status);
    _exit(child > 0 && waitpid(child, &end, 0) == child && WIFEXITED(end) ? WEXITSTATUS(end)
                                                                          : kSupervisorFailed);
  }

  /**
   * From here on nobody who reads the caller's output waits for the end of this process;
   * its words go to a log.
   */
  void tell(const std::string& log) {
    if (!tell_.isOpen()) return;
    const ScopedFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
    const ScopedFd words(
        open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      struct stat found {};
      const int to = standard == STDERR_FILENO && words.isOpen() ? words.get() : nothing.get();
      // Nobody waits for the end of a file.
      if (fstat(standard, &found) == 0 && !S_ISREG(found.st_mode)) dup2(to, standard);
    }
    if (write(tell_.get(), "", 1) != 1) return;
    tell_.reset();
  }

 private:
  ScopedFd tell_;
};

/** What `attach` is told to do at last: how many it holds, and how they are let go. */
void sayWhatIsHeld(const Options& options, Session& session) {
  const auto processes = session.supervisor().processes();
  const size_t threads = session.supervisor().threads();
  const auto count = [](size_t number, const char* one, const char* many) {
    return std::to_string(number) + " " + (number == 1 ? one : many);
  };
  std::string text = "holds " + count(processes.size(), "process", "processes") + " (" +
                     count(threads, "thread", "threads") + ") under the mask; supervisor " +
                     std::to_string(getpid()) + "\n";
  const std::string folder = session.folder() == defaultRuntimeDir()
                                 ? ""
                                 : " --runtime-dir " + printable(session.folder());
  if (!processes.empty()) {
    const pid_t pid = options.pids.empty() ? processes.front() : options.pids.front();
    text += "cpugate detach --pid " + std::to_string(pid) + folder + " lets go\n";
  }
  fputs(text.c_str(), stdout);
  fflush(stdout);
}

std::optional<std::string> whyNotWanted(const Options& options) {
  if (auto why = whyNothingCanBeHeld()) return why;
  if (auto why = whyNotTheseProcesses(options.pids)) return why;
  return whyNotTheseCgroups(options.cgroups);
}

std::vector<pid_t> wantedProcesses(const Options& options) {
  std::vector<pid_t> pids = options.pids;
  for (const char* cgroup : options.cgroups) processesIn(cgroup, &pids);
  return pids;
}

/** attach: tasks that run. adopt: tasks that CRIU has left stopped, until all are armed. */
int holdTasks(const Options& options) {
  const auto mask = loadMask(options.mask);
  if (!mask) return kUsage;
  if (const auto why = whyNotWanted(options)) return fail(*why, kUsage);
  std::string error;
  if (!cpuidFaulting().works(&error)) return fail(error, kUnavailable);
  Readiness readiness(options.background);
  ProcessHandle root =
      options.pids.empty() ? ProcessHandle() : ProcessHandle::open(options.pids.front());
  PidFile pidFile;
  if (!pidFile.prepare(options.pidFile, &error)) return fail(error, kUsage);
  avoidOomKiller();
  prepareToHold();
  Session session(options, *mask, cpuidFaulting());
  if (!session.listen(&error) || !session.start(&error)) return fail(error, kSupervisorFailed);
  // Before anything is held: what ends this process would end the tasks.
  session.setRoot(std::move(root));
  const bool adopts = options.mode == Mode::kAdopt;
  const std::set<pid_t> keepStopped(options.keepStopped.begin(), options.keepStopped.end());
  if (!session.holding().take(wantedProcesses(options), !options.pids.empty(), adopts, keepStopped,
                              &error))
    return fail(error, kSupervisorFailed);
  if (!pidFile.write(&error)) {
    if (std::string why; !session.detach(&why)) complain("%s", why.c_str());
    return fail(error, kSupervisorFailed);
  }
  if (!adopts) sayWhatIsHeld(options, session);
  readiness.tell(session.folder() + "/supervisor.log");
  const auto end = session.run();
  return adopts && end ? end->shellCode() : 0;
}

int control(const Options& options) {
  const std::string folder =
      options.runtimeDir != nullptr ? options.runtimeDir : defaultRuntimeDir();
  return askSupervisor(folder, options.request, options.pids.front(), options.until);
}

/** A line a file: proven CPUIDs, bytes that may be one, bytes that are none, and its name. */
int tellSites(char* const* files) {
  bool areAllRead = true;
  for (; *files != nullptr; ++files) {
    const auto sites = sitesOfFile(*files);
    areAllRead = areAllRead && sites.has_value();
    if (sites)
      printf("%zu %zu %zu %s\n", sites->proven.size(), sites->unproven.size(), sites->others,
             printable(*files).c_str());
    else
      complain("%s can't be read", printable(*files).c_str());
  }
  return areAllRead ? 0 : kUsage;
}

int rewrite(const Options& options) {
  const auto why = rewriteWords(options.pids.front(), options.words);
  return why ? fail(*why, kSupervisorFailed) : 0;
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
    case cpugate::Mode::kRewrite:
      return cpugate::rewrite(*options);
    case cpugate::Mode::kProbe:
      return cpugate::probeMain();
    case cpugate::Mode::kMeasure:
      return cpugate::measureMain();
    case cpugate::Mode::kSites:
      return cpugate::tellSites(options->files);
    case cpugate::Mode::kCheckMask:
      return cpugate::checkMask(options->mask);
  }
  return cpugate::kUsage;
}
