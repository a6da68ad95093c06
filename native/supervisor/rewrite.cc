/**
 * What glibc keeps of CPUID lies in memory that it has made read-only. ptrace writes there, as
 * debuggers set breakpoints: the kernel gives the process a page of its own. /proc/PID/mem does so
 * no more for everybody from Linux 6.12 on (proc_mem.force_override).
 */
#include "rewrite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace cpugate {

namespace {

/** The system call itself: a word that is read comes by pointer, and no value of it means failure.
 */
bool request(long what, pid_t pid, uint64_t address, uint64_t data) {
  return syscall(SYS_ptrace, what, pid, address, data) == 0;
}

bool peek(pid_t pid, uint64_t address, uint64_t* word) {
  return request(PTRACE_PEEKDATA, pid, address, reinterpret_cast<uint64_t>(word));
}

/** Up to the next colon, or to the end. */
bool readNumber(const char** text, char end, uint64_t* number) {
  char* rest;
  errno = 0;
  *number = strtoull(*text, &rest, 16);
  if (errno != 0 || rest == *text || **text == '-' || *rest != end) return false;
  *text = rest + 1;
  return true;
}

/** Lets go at its end, whatever has happened; a stopped process stays stopped. */
class Traced {
 public:
  explicit Traced(pid_t pid) : pid_(pid), isSeized_(request(PTRACE_SEIZE, pid, 0, 0)) {
    int status;
    isStopped_ = isSeized_ && request(PTRACE_INTERRUPT, pid, 0, 0) &&
                 waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status);
  }
  ~Traced() {
    if (isSeized_) request(PTRACE_DETACH, pid_, 0, 0);
  }
  Traced(const Traced&) = delete;
  Traced& operator=(const Traced&) = delete;
  bool isStopped() const { return isStopped_; }

 private:
  pid_t pid_;
  bool isSeized_;
  bool isStopped_ = false;
};

std::string at(const char* what, const Rewrite& rewrite) {
  char text[100];
  snprintf(text, sizeof text, "%s at 0x%llx", what,
           static_cast<unsigned long long>(rewrite.address));
  return text;
}

}  // namespace

std::optional<Rewrite> parseRewrite(const char* text) {
  Rewrite rewrite{};
  if (readNumber(&text, ':', &rewrite.address) && readNumber(&text, ':', &rewrite.before) &&
      readNumber(&text, '\0', &rewrite.after))
    return rewrite;
  return std::nullopt;
}

std::optional<std::string> rewriteWords(pid_t pid, char* const* words) {
  std::vector<Rewrite> rewrites;
  for (; *words != nullptr; ++words) {
    const auto rewrite = parseRewrite(*words);
    if (!rewrite) return "a word is ADDRESS:BEFORE:AFTER, in hexadecimal digits";
    rewrites.push_back(*rewrite);
  }
  const Traced traced(pid);
  if (!traced.isStopped()) return std::string("can't trace it: ") + strerror(errno);
  uint64_t found;
  for (const Rewrite& one : rewrites) {
    if (!peek(pid, one.address, &found)) return at("no memory", one);
    if (found != one.before) return at("another word than expected", one);
  }
  for (const Rewrite& one : rewrites) {
    if (!request(PTRACE_POKEDATA, pid, one.address, one.after))
      return at("the kernel refuses to write", one) + ": " + strerror(errno);
    if (!peek(pid, one.address, &found) || found != one.after)
      return at("a write had no effect", one);
  }
  return std::nullopt;
}

}  // namespace cpugate
