#include "task_status.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "scoped_fd.h"

namespace cpugate {

TaskStatus::TaskStatus(pid_t tid) {
  const ScopedFd file(
      open(("/proc/" + std::to_string(tid) + "/status").c_str(), O_RDONLY | O_CLOEXEC));
  // Groups stand before the signals, and a user may have 65536 of them. It is one record, of which
  // the last part is the first that comes short: this is read for each signal that is caught.
  char part[4096];
  for (ssize_t got = sizeof part; file.isOpen() && got == sizeof part;) {
    got = read(file.get(), part, sizeof part);
    if (got > 0) text_.append(part, static_cast<size_t>(got));
  }
}

const char* TaskStatus::behind(std::string_view field) const {
  const std::string label = "\n" + std::string(field) + ":\t";
  const size_t at = text_.find(label);
  return at == std::string::npos ? nullptr : text_.c_str() + at + label.size();
}

long TaskStatus::number(std::string_view field) const {
  const char* value = behind(field);
  return value == nullptr ? -1 : strtol(value, nullptr, 10);
}

uint64_t TaskStatus::signals(std::string_view field) const {
  const char* value = behind(field);
  return value == nullptr ? 0 : strtoull(value, nullptr, 16);
}

char TaskStatus::state() const {
  const char* state = behind("State");
  return state == nullptr ? '\0' : *state;
}

bool TaskStatus::hasEnded() const { return state() == '\0' || state() == 'Z' || state() == 'X'; }

}  // namespace cpugate
