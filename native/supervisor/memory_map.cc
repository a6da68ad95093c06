#include "memory_map.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "scoped_fd.h"

namespace cpugate {

namespace {

/** Takes a number up to a character, and both from the text. */
template <typename T>
bool take(std::string_view& text, char end, int base, T* number) {
  const char* last = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), last, *number, base);
  if (error != std::errc() || rest == last || *rest != end) return false;
  text.remove_prefix(static_cast<size_t>(rest - text.data()) + 1);
  return true;
}

}  // namespace

Range overlapOf(const Range& one, const Range& other) {
  return {std::max(one.from, other.from), std::min(one.to, other.to)};
}

std::optional<Mapping> parseMapping(std::string_view line) {
  Mapping mapping;
  if (!take(line, '-', 16, &mapping.range.from) || !take(line, ' ', 16, &mapping.range.to) ||
      line.size() < 5)
    return std::nullopt;
  if (line[0] == 'r') mapping.protection |= PROT_READ;
  if (line[1] == 'w') mapping.protection |= PROT_WRITE;
  if (line[2] == 'x') mapping.protection |= PROT_EXEC;
  mapping.isShared = line[3] == 's';
  line.remove_prefix(5);
  unsigned major = 0, minor = 0;
  if (!take(line, ' ', 16, &mapping.offset) || !take(line, ':', 16, &major) ||
      !take(line, ' ', 16, &minor) || !take(line, ' ', 10, &mapping.inode))
    return std::nullopt;
  mapping.device = makedev(major, minor);
  const size_t name = line.find_first_not_of(' ');
  if (name != std::string_view::npos) mapping.name = line.substr(name);
  return mapping;
}

std::vector<Mapping> mappingsIn(pid_t tid, const Range& range) {
  std::vector<Mapping> list;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/maps", tid);
  const ScopedFd file(open(path, O_RDONLY | O_CLOEXEC));
  std::string text;
  char chunk[16384];
  for (ssize_t got; file.isOpen() && (got = read(file.get(), chunk, sizeof chunk)) > 0;) {
    text.append(chunk, static_cast<size_t>(got));
    size_t begin = 0;
    for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
      auto mapping = parseMapping(std::string_view(text).substr(begin, end - begin));
      if (!mapping) continue;
      // They come in their order.
      if (mapping->range.from >= range.to) return list;
      if (!overlapOf(mapping->range, range).isEmpty()) list.push_back(std::move(*mapping));
    }
    text.erase(0, begin);
  }
  return list;
}

}  // namespace cpugate
