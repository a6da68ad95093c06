/** A file descriptor that closes with its scope. */
#ifndef CPUGATE_SUPERVISOR_SCOPED_FD_H_
#define CPUGATE_SUPERVISOR_SCOPED_FD_H_

#include <unistd.h>

#include <utility>

namespace cpugate {

class ScopedFd {
 public:
  ScopedFd() = default;
  /** Owns `fd`; negative: none. */
  explicit ScopedFd(int fd) : fd_(fd < 0 ? -1 : fd) {}
  ScopedFd(ScopedFd&& other) noexcept : fd_(other.release()) {}
  ScopedFd& operator=(ScopedFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;
  ~ScopedFd() { reset(); }

  /** -1 where there is none. */
  int get() const { return fd_; }
  bool isOpen() const { return fd_ >= 0; }

  /** Gives the descriptor away, unclosed. */
  int release() { return std::exchange(fd_, -1); }

  void reset(int fd = -1) {
    const int before = std::exchange(fd_, fd < 0 ? -1 : fd);
    if (before >= 0 && before != fd_) close(before);
  }

 private:
  int fd_ = -1;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_SCOPED_FD_H_
