#include "processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <string_view>

#include "scoped_fd.h"
#include "stat_file.h"
#include "task_status.h"

namespace cpugate {

namespace {

/** Nobody's list of processes is longer. */
constexpr size_t kMostBytes = 64u << 20;

bool readAll(const std::string& path, std::string* text) {
  const ScopedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.isOpen()) return false;
  char part[4096];
  for (ssize_t got; (got = read(file.get(), part, sizeof part)) != 0;) {
    if (got < 0 || text->size() > kMostBytes) return false;
    text->append(part, static_cast<size_t>(got));
  }
  return true;
}

void addNumbers(const std::string& text, std::vector<pid_t>* to) {
  const char* at = text.c_str();
  char* end;
  for (long number; (number = strtol(at, &end, 10)), end != at; at = end)
    // 0: a process of another PID namespace, which has no number here.
    if (number > 0) to->push_back(static_cast<pid_t>(number));
}

std::string processFile(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

}  // namespace

std::vector<pid_t> threadsOf(pid_t pid) {
  std::vector<pid_t> threads;
  DIR* folder = opendir(processFile(pid, "task").c_str());
  if (folder == nullptr) return threads;
  while (const dirent* entry = readdir(folder))
    if (const pid_t tid = atoi(entry->d_name); tid > 0) threads.push_back(tid);
  closedir(folder);
  return threads;
}

bool hasUserfaultfd(pid_t pid) {
  const std::string folder = processFile(pid, "fd");
  DIR* descriptors = opendir(folder.c_str());
  // Nobody may look: then it may have one.
  if (descriptors == nullptr) return true;
  bool found = false;
  while (const dirent* entry = readdir(descriptors)) {
    char target[64];
    const ssize_t length = readlink((folder + "/" + entry->d_name).c_str(), target, sizeof target);
    const std::string_view name(target, length > 0 ? static_cast<size_t>(length) : 0);
    found = found || name == "anon_inode:[userfaultfd]";
  }
  closedir(descriptors);
  return found;
}

std::vector<pid_t> childrenOf(pid_t pid) {
  std::vector<pid_t> children;
  for (const pid_t tid : threadsOf(pid)) {
    std::string text;
    if (readAll(processFile(pid, "task/") + std::to_string(tid) + "/children", &text))
      addNumbers(text, &children);
  }
  return children;
}

std::vector<pid_t> ancestorsOf(pid_t pid) {
  std::vector<pid_t> ancestors;
  for (long parent = pid; (parent = TaskStatus(static_cast<pid_t>(parent)).number("PPid")) > 0;)
    ancestors.push_back(static_cast<pid_t>(parent));
  return ancestors;
}

std::optional<uint64_t> startOf(pid_t pid) { return StatFile(pid).number(22); }

bool isKernelThread(pid_t pid) {
  constexpr uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD, include/linux/sched.h
  const auto flags = StatFile(pid).number(9);
  return flags && (*flags & kKernelThread) != 0;
}

bool procIsOurs() {
  char number[16];
  const ssize_t length = readlink("/proc/self", number, sizeof number - 1);
  if (length <= 0) return false;
  number[length] = '\0';
  return atoi(number) == getpid();
}

bool processesIn(const std::string& cgroup, std::vector<pid_t>* pids) {
  std::string text;
  if (!readAll(cgroup + "/cgroup.procs", &text)) {
    // One with threads of its own shows them only there (cgroup v2, "threaded").
    if (!readAll(cgroup + "/cgroup.threads", &text)) return false;
  }
  addNumbers(text, pids);
  DIR* folder = opendir(cgroup.c_str());
  if (folder == nullptr) return true;
  while (const dirent* entry = readdir(folder))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
      processesIn(cgroup + "/" + entry->d_name, pids);
  closedir(folder);
  return true;
}

}  // namespace cpugate
