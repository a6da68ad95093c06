/** What the file of glibc, libc.so.6, says of itself. Nothing: it doesn't, or is no such file. */
#ifndef CPUGATE_PROBE_LIBC_FILE_H_
#define CPUGATE_PROBE_LIBC_FILE_H_

#include <optional>
#include <string>
#include <string_view>

namespace cpugate {

/** "2.36", as gnu_get_libc_version() gives it to a program that is linked with it. */
std::optional<std::string> glibcVersionOf(std::string_view file);

/** The lowest x86-64 level (1 … 4) that it needs: src/probe/isa-level-note.ts in C++. */
std::optional<int> isaLevelOf(std::string_view file);

}  // namespace cpugate

#endif  // CPUGATE_PROBE_LIBC_FILE_H_
