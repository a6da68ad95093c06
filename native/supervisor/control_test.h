/**
 * For tests: a process that answers as a supervisor does,
 * and others that ask it; nothing is masked.
 */
#ifndef CPUGATE_SUPERVISOR_CONTROL_TEST_H_
#define CPUGATE_SUPERVISOR_CONTROL_TEST_H_

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "control.h"
#include "control_client.h"
#include "outsider.h"

namespace cpugate {

inline void sleepFor(int milliseconds) {
  timespec left{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
  while (nanosleep(&left, &left) != 0) continue;
}

/** False after five seconds. */
inline bool becomes(const std::function<bool()>& so) {
  for (int round = 0; round < 500; ++round, sleepFor(10))
    if (so()) return true;
  return false;
}

/** One that is removed when the test process ends; its children end by _exit. */
inline std::string newFolder() {
  static struct Folders {
    ~Folders() {
      for (const std::string& one : paths) std::filesystem::remove_all(one);
    }
    std::vector<std::string> paths;
  } folders;
  char name[] = "/tmp/cpugate-test-XXXXXX";
  if (mkdtemp(name) == nullptr) abort();
  return folders.paths.emplace_back(name);
}

/** What processes of a test know of each other. */
struct Shared {
  std::atomic<int> ticks;
  std::atomic<int> detached;
  std::atomic<int> released;
  std::atomic<int> lost;
  std::atomic<pid_t> asked;
  std::atomic<pid_t> child;
  std::atomic<int> isReady;
};

inline Shared* newShared() {
  void* at =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return new (at) Shared{};
}

/** A child that does this and ends. */
inline pid_t inChild(const std::function<int()>& what) {
  const pid_t child = fork();
  if (child == 0) _exit(what());
  return child;
}

inline int endOf(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) != child ? -1
         : WIFEXITED(status)                 ? WEXITSTATUS(status)
                                             : 128 + WTERMSIG(status);
}

class StandIn {
 public:
  /** `traced`: a process that it holds; 0: none. `early`: what it does first, as a supervisor. */
  explicit StandIn(
      const std::string& folder, pid_t traced = 0, const std::function<void()>& early = [] {})
      : shared_(newShared()) {
    pid_ = inChild([&] { return live(folder, traced, early); });
    becomes([this] { return shared_->isReady != 0; });
  }
  ~StandIn() {
    kill(pid_, SIGKILL);
    endOf(pid_);
    munmap(shared_, sizeof(Shared));
  }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  pid_t pid() const { return pid_; }
  Shared& shared() { return *shared_; }

 private:
  int live(const std::string& folder, pid_t traced, const std::function<void()>& early) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (traced != 0 && syscall(SYS_ptrace, PTRACE_SEIZE, traced, 0, 0) != 0) return 1;
    Control control;
    std::string error;
    if (!control.listen(folder, &error) || !control.start(&error)) return 1;
    control.tickEvery(20);
    early();
    shared_->isReady = 1;
    for (;;) {
      sleepFor(1);
      if (traced != 0) waitForTask(&traced);
      if (!control.wasKnocked()) continue;
      ++shared_->ticks;
      control.serve([this](const Request& request) { return answer(request); },
                    [this](uint64_t) { ++shared_->lost; });
    }
  }

  static void waitForTask(pid_t* traced) {
    int status;
    if (waitpid(*traced, &status, WNOHANG | __WALL) != *traced) return;
    if (WIFEXITED(status) || WIFSIGNALED(status))
      *traced = 0;
    else
      syscall(SYS_ptrace, PTRACE_CONT, *traced, 0, 0);
  }

  /** As the session judges; it holds whatever it is asked for but the first of all processes. */
  std::string answer(const Request& request) {
    if (!request.asker.isAlive()) return "refused: whoever asked has ended";
    if (const auto why = whyNoOutsider(request.asker, [](pid_t) { return false; }))
      return "refused: " + *why;
    shared_->asked = request.process.pid();
    if (request.process.pid() == 1) return kNotHeld;
    if (request.what == "detach") ++shared_->detached;
    if (request.what == "release") {
      sleepFor(300);
      ++shared_->released;
    }
    return std::string(kDone) + "supervisor " + std::to_string(getpid()) + "\n";
  }

  Shared* shared_;
  pid_t pid_;
};

struct Said {
  int status;
  std::string text;
};

/** What a process prints that does this, and how it ends. */
inline Said said(const std::function<int()>& what) {
  int ends[2];
  if (pipe(ends) != 0) return {-1, ""};
  const pid_t child = inChild([&] {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    const int status = what();
    fflush(stdout);
    return status;
  });
  close(ends[1]);
  std::string text;
  char part[1024];
  for (ssize_t got; (got = read(ends[0], part, sizeof part)) > 0;)
    text.append(part, static_cast<size_t>(got));
  close(ends[0]);
  return {endOf(child), text};
}

/** Asks as people do. */
inline Said ask(const std::string& folder, const std::string& what, pid_t pid,
                const Limits& limits = {}) {
  return said([&] { return askSupervisor(folder, what, pid, 0, limits); });
}

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_CONTROL_TEST_H_
