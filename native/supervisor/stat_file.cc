#include "stat_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>

namespace cpugate {

std::optional<uint64_t> numberInStat(std::string_view text, int place) {
  // Field 2 is the task's name, which it chooses: brackets and blanks as well.
  size_t at = text.rfind(')');
  for (int field = 2; field < place && at != std::string_view::npos; ++field)
    at = text.find(' ', at + 1);
  if (at == std::string_view::npos) return std::nullopt;
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [behind, fault] = std::from_chars(text.data() + at + 1, end, number);
  if (fault != std::errc{} || behind == end || *behind != ' ') return std::nullopt;
  return number;
}

StatFile::StatFile(pid_t tid) {
  // The thread's own folder: for the process' the kernel sums up the times of all its threads.
  char path[64];
  (void)std::snprintf(path, sizeof path, "/proc/%d/task/%d/stat", tid, tid);
  file_.reset(open(path, O_RDONLY | O_CLOEXEC));
}

std::optional<uint64_t> StatFile::number(int place) const {
  char text[2048];
  const ssize_t got = isOpen() ? pread(file_.get(), text, sizeof text, 0) : -1;
  if (got <= 0) return std::nullopt;
  return numberInStat({text, static_cast<size_t>(got)}, place);
}

}  // namespace cpugate
