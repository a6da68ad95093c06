#include "process_handle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

namespace cpugate {

ProcessHandle ProcessHandle::open(pid_t pid) {
  ScopedFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return pidfd.isOpen() ? ProcessHandle(std::move(pidfd), pid) : ProcessHandle();
}

ProcessHandle ProcessHandle::fromDescriptor(ScopedFd pidfd) {
  ProcessHandle handle(std::move(pidfd), 0);
  const pid_t number = handle.isOpen() ? handle.numberNow() : -2;
  if (number == -2) return {};
  handle.pid_ = number > 0 ? number : 0;
  return handle;
}

ProcessHandle ProcessHandle::duplicate(const ProcessHandle& other) {
  return {ScopedFd(fcntl(other.descriptor(), F_DUPFD_CLOEXEC, 0)), other.pid()};
}

bool ProcessHandle::isAlive() const {
  if (!isOpen()) return false;
  pollfd ended{pidfd_.get(), POLLIN, 0};
  int count;
  // A signal that is on its way interrupts it, although it waits for nothing.
  do count = poll(&ended, 1, 0);
  while (count < 0 && errno == EINTR);
  return count == 0;
}

bool ProcessHandle::send(int signal) const {
  return isOpen() && syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) == 0;
}

pid_t ProcessHandle::numberNow() const {
  const ScopedFd file(
      ::open(("/proc/self/fdinfo/" + std::to_string(pidfd_.get())).c_str(), O_RDONLY | O_CLOEXEC));
  char text[1024];
  const ssize_t got = file.isOpen() ? read(file.get(), text, sizeof text - 1) : 0;
  if (got <= 0) return -2;
  text[got] = '\0';
  // Only pidfds have this line (proc_pid_fdinfo(5)).
  const char* line = strstr(text, "\nPid:\t");
  return line == nullptr ? -2 : static_cast<pid_t>(strtol(line + 6, nullptr, 10));
}

}  // namespace cpugate
