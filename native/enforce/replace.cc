/**
 * execve from Node, with what Node changed in its own process put back: another program is to find
 * what the caller of cpugate gave, not what suits a JavaScript engine (node.cc, PlatformInit).
 */
#include "replace.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <string_view>

namespace cpugate {
namespace {

/** Node ignores these two; what else was ignored when it started it has reset to the default. */
constexpr int kIgnoredByNode[] = {SIGPIPE, SIGXFSZ};

void restoreSignals() {
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  for (int signal : kIgnoredByNode) sigaction(signal, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/**
 * Node raises its soft limit of open files to the hard one and forgets it. The parent's is ours
 * where their hard limits are one: nobody changed them in between. Else the raised one stays: it
 * may have been meant.
 */
void restoreFileLimit() {
  rlimit own = {};
  rlimit parent = {};
  if (getrlimit(RLIMIT_NOFILE, &own) != 0) return;
  if (prlimit(getppid(), RLIMIT_NOFILE, nullptr, &parent) != 0) return;
  if (parent.rlim_max != own.rlim_max || parent.rlim_cur >= own.rlim_cur) return;
  own.rlim_cur = parent.rlim_cur;
  setrlimit(RLIMIT_NOFILE, &own);
}

bool isEventPoll(int folder, const char* name) {
  char target[PATH_MAX];
  const ssize_t length = readlinkat(folder, name, target, sizeof(target));
  constexpr std::string_view kEventPoll = "anon_inode:[eventpoll]";
  return length > 0 && std::string_view(target, static_cast<size_t>(length)) == kEventPoll;
}

struct Descriptor {
  int number;
  bool isEventPoll;
};

std::vector<Descriptor> openDescriptors() {
  std::vector<Descriptor> found;
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return found;
  const int own = dirfd(folder);
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    int number = -1;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (number < 0 || number == own) continue;  // "." and ".." are none.
    found.push_back({number, isEventPoll(own, entry->d_name)});
  }
  closedir(folder);
  return found;
}

/** Files, folders and sockets: Node keeps none of these open by itself. */
bool isNeverNodes(int descriptor) {
  // fstat, which glibc has as a function only from 2.33 on.
  struct stat status = {};
  if (syscall(SYS_fstat, descriptor, &status) != 0) return false;
  return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISSOCK(status.st_mode);
}

/**
 * Node marks what it inherited close-on-exec, standard streams and all. What lies below its own
 * first descriptor, an event poll, was there before.
 */
void restoreDescriptors() {
  const std::vector<Descriptor> open = openDescriptors();
  int firstOfNode = INT_MAX;
  for (const Descriptor& one : open)
    if (one.isEventPoll && one.number < firstOfNode) firstOfNode = one.number;
  for (const Descriptor& one : open) {
    if (one.number >= firstOfNode && !isNeverNodes(one.number)) continue;
    const int flags = fcntl(one.number, F_GETFD);
    if (flags >= 0) fcntl(one.number, F_SETFD, flags & ~FD_CLOEXEC);
  }
  // libuv makes pipes and terminals non-blocking, for everybody who shares them.
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int flags = fcntl(stream, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) != 0) fcntl(stream, F_SETFL, flags & ~O_NONBLOCK);
  }
}

std::string readWhole(const char* path) {
  std::string bytes;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return bytes;
  char chunk[4096];
  for (;;) {
    const ssize_t count = read(file, chunk, sizeof(chunk));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    bytes.append(chunk, static_cast<size_t>(count));
  }
  close(file);
  return bytes;
}

}  // namespace

std::vector<std::string> ownArguments() {
  const std::string bytes = readWhole("/proc/self/cmdline");
  std::vector<std::string> arguments;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = bytes.find('\0', at);
    arguments.push_back(bytes.substr(at, end - at));
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return arguments;
}

int replaceProcess(const std::string& file, const std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  // execve takes char* for C's sake and writes nothing.
  for (const std::string& one : arguments) pointers.push_back(const_cast<char*>(one.c_str()));
  pointers.push_back(nullptr);
  restoreSignals();
  restoreFileLimit();
  restoreDescriptors();
  execve(file.c_str(), pointers.data(), environ);
  return errno;
}

}  // namespace cpugate
