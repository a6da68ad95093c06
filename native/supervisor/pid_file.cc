#include "pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "printable.h"

namespace cpugate {

PidFile::~PidFile() {
  if (!beside_.empty()) unlinkat(folder_.get(), beside_.c_str(), 0);
}

bool PidFile::refuse(const std::string& why, std::string* error) const {
  *error = "--pid-file " + printable(path_) + ": " + why;
  return false;
}

bool PidFile::prepare(const char* path, std::string* error) {
  if (path == nullptr) return true;
  path_ = path;
  const size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path_.substr(0, slash);
  name_ = path_.substr(slash == std::string::npos ? 0 : slash + 1);
  if (name_.empty()) return refuse("is a folder; name a file in it", error);
  folder_.reset(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder_.isOpen()) return refuse(strerror(errno), error);
  struct stat found {};
  // Whatever else stands there is needed by somebody: a device, another's link.
  if (fstatat(folder_.get(), name_.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISREG(found.st_mode))
    return refuse("exists and is not a regular file; name another one", error);
  const std::string beside = name_ + "." + std::to_string(getpid());
  file_.reset(openat(folder_.get(), beside.c_str(),
                     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file_.isOpen()) return refuse(strerror(errno), error);
  beside_ = beside;
  return true;
}

bool PidFile::write(std::string* error) {
  if (path_.empty()) return true;
  const std::string text = std::to_string(getpid()) + "\n";
  if (::write(file_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      renameat(folder_.get(), beside_.c_str(), folder_.get(), name_.c_str()) != 0)
    return refuse(strerror(errno), error);
  beside_.clear();
  file_.reset();
  folder_.reset();
  return true;
}

}  // namespace cpugate
