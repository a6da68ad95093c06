/** Words of a stopped process's memory, read-only or not, replaced by others. */
#ifndef CPUGATE_SUPERVISOR_REWRITE_H_
#define CPUGATE_SUPERVISOR_REWRITE_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace cpugate {

struct Rewrite {
  uint64_t address;
  uint64_t before;
  uint64_t after;
};

/** "ADDRESS:BEFORE:AFTER", in hexadecimal digits. */
std::optional<Rewrite> parseRewrite(const char* text);

/**
 * Each must hold what is expected, before any is written, and is read back. The process has to be
 * stopped, with all of its threads, and stays so. Gives why nothing was done.
 */
std::optional<std::string> rewriteWords(pid_t pid, char* const* words);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_REWRITE_H_
