#include "runtime_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "printable.h"
#include "scoped_fd.h"

namespace cpugate {

namespace {

constexpr const char* kEnding = ".sock";

/** Nothing: it is as it must be. */
std::string whatIsWrong(const std::string& folder, bool mayBeRoots) {
  struct stat found {};
  if (lstat(folder.c_str(), &found) != 0) return strerror(errno);
  if (S_ISLNK(found.st_mode)) return "is a symbolic link";
  if (!S_ISDIR(found.st_mode)) return "is not a folder";
  if (found.st_uid != geteuid() && !(mayBeRoots && found.st_uid == 0))
    return "belongs to another user (" + std::to_string(found.st_uid) + ")";
  if ((found.st_mode & 022) != 0) return "can be written by others";
  return "";
}

bool isFine(const std::string& folder, const std::string& wrong, std::string* error) {
  if (wrong.empty()) return true;
  *error =
      printable(folder) + ": " + wrong +
      "; sockets of supervisors must lie in a folder of one's own that no other user can write "
      "to (--runtime-dir)";
  return false;
}

}  // namespace

std::string defaultRuntimeDir() {
  if (geteuid() == 0) return "/run/cpugate";
  const char* runtime = getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] == '/') return std::string(runtime) + "/cpugate";
  return "/tmp/cpugate-" + std::to_string(geteuid());
}

bool openRuntimeFolder(const std::string& folder, std::string* error) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    *error = printable(folder) + ": " + strerror(errno);
    return false;
  }
  return isFine(folder, whatIsWrong(folder, false), error);
}

bool checkRuntimeFolder(const std::string& folder, bool* missing, std::string* error) {
  *missing = access(folder.c_str(), F_OK) != 0 && errno == ENOENT;
  return *missing || isFine(folder, whatIsWrong(folder, true), error);
}

std::vector<std::string> socketsIn(const std::string& folder) {
  const std::string prefix = folder + "/";
  std::vector<std::string> paths;
  DIR* entries = opendir(folder.c_str());
  if (entries == nullptr) return paths;
  while (const dirent* entry = readdir(entries))
    if (const std::string name = entry->d_name; name.ends_with(kEnding))
      paths.push_back(prefix + name);
  closedir(entries);
  return paths;
}

pid_t supervisorOf(const std::string& socketPath) {
  return atoi(socketPath.c_str() + socketPath.rfind('/') + 1);
}

std::string newSocketPath(const std::string& folder) {
  unsigned number = 0;
  // Where there is no randomness yet, at boot, the time of the call has to do.
  if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    number = static_cast<unsigned>(now.tv_nsec ^ now.tv_sec);
  }
  char name[32];
  snprintf(name, sizeof name, "/%d-%08x%s", getpid(), number, kEnding);
  return folder + name;
}

bool socketAddress(const std::string& path, sockaddr_un* address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (path.size() >= sizeof address->sun_path) return false;
  memcpy(address->sun_path, path.c_str(), path.size());
  return true;
}

void removeStaleSockets(const std::string& folder) {
  for (const std::string& path : socketsIn(folder)) {
    struct stat found {};
    sockaddr_un address;
    if (lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode) || found.st_uid != geteuid() ||
        !socketAddress(path, &address))
      continue;
    const ScopedFd trial(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (connect(trial.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
        errno == ECONNREFUSED)
      unlink(path.c_str());
  }
}

}  // namespace cpugate
