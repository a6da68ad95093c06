/**
 * Small pure pieces: instructions, wait statuses, descriptors. Built and run by
 * test/native/supervisor.test.ts.
 */
#include <fcntl.h>

#include <cerrno>
#include <random>
#include <vector>

#include "../probe/expect.h"
#include "instruction.h"
#include "printable.h"
#include "scoped_fd.h"
#include "wait_status.h"

namespace cpugate {
namespace {

struct Code {
  const char* what;
  std::vector<uint8_t> bytes;
  size_t in64;
  size_t in32;
};

const Code kCodes[] = {
    {"plain", {0x0f, 0xa2}, 2, 2},
    {"with more behind it", {0x0f, 0xa2, 0x0f, 0xa2}, 2, 2},
    {"66", {0x66, 0x0f, 0xa2}, 3, 3},
    {"67", {0x67, 0x0f, 0xa2}, 3, 3},
    {"F2", {0xf2, 0x0f, 0xa2}, 3, 3},
    {"F3", {0xf3, 0x0f, 0xa2}, 3, 3},
    {"CS", {0x2e, 0x0f, 0xa2}, 3, 3},
    {"SS", {0x36, 0x0f, 0xa2}, 3, 3},
    {"DS", {0x3e, 0x0f, 0xa2}, 3, 3},
    {"ES", {0x26, 0x0f, 0xa2}, 3, 3},
    {"FS", {0x64, 0x0f, 0xa2}, 3, 3},
    {"GS", {0x65, 0x0f, 0xa2}, 3, 3},
    {"REX; in 32-bit code INC or DEC", {0x40, 0x0f, 0xa2}, 3, 0},
    {"REX.W", {0x48, 0x0f, 0xa2}, 3, 0},
    {"the last REX", {0x4f, 0x0f, 0xa2}, 3, 0},
    {"REX behind 66", {0x66, 0x48, 0x0f, 0xa2}, 4, 0},
    {"REX before 66: ignored", {0x48, 0x66, 0x0f, 0xa2}, 4, 0},
    {"the same prefix again", {0xf3, 0xf3, 0xf2, 0x0f, 0xa2}, 5, 5},
    {"15 bytes",
     std::vector<uint8_t>{0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                          0x66, 0x0f, 0xa2},
     15, 15},
    {"16 bytes: #GP",
     std::vector<uint8_t>{0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                          0x66, 0x66, 0x0f, 0xa2},
     0, 0},
    {"LOCK: #UD", {0xf0, 0x0f, 0xa2}, 0, 0},
    {"LOCK behind 66", {0x66, 0xf0, 0x0f, 0xa2}, 0, 0},
    {"XGETBV", {0x0f, 0x01, 0xd0}, 0, 0},
    {"RDTSC, which can trap likewise", {0x0f, 0x31}, 0, 0},
    {"HLT", {0xf4}, 0, 0},
    {"MOV from the address in AL", {0xa2}, 0, 0},
    {"the opcode's first byte only", {0x0f}, 0, 0},
    {"prefixes only", {0x66, 0xf3}, 0, 0},
    {"nothing", {}, 0, 0},
    {"VEX", {0xc5, 0xf8, 0xa2}, 0, 0},
    {"a byte before 40", {0x3f, 0x0f, 0xa2}, 0, 0},
    {"a byte behind 4F", {0x50, 0x0f, 0xa2}, 0, 0},
};

void cpuidIsRecognised(Expectations& expect) {
  for (const Code& code : kCodes) {
    expect.that(cpuidLength(code.bytes.data(), code.bytes.size(), true) == code.in64,
                std::string(code.what) + ", 64-bit");
    expect.that(cpuidLength(code.bytes.data(), code.bytes.size(), false) == code.in32,
                std::string(code.what) + ", 32-bit");
  }
}

/** Where code ends, at a hole in memory, fewer bytes than wanted are there. */
void cutCodeIsNone(Expectations& expect) {
  for (const Code& code : kCodes)
    for (size_t size = 0; size < code.in64; ++size) {
      const std::vector<uint8_t> cut(code.bytes.begin(),
                                     code.bytes.begin() + static_cast<ptrdiff_t>(size));
      expect.that(cpuidLength(cut.data(), cut.size(), true) == 0, code.what);
    }
}

void anyCodeGivesALength(Expectations& expect) {
  std::mt19937 random(1);
  constexpr uint8_t kLikely[] = {0x0f, 0xa2, 0x66, 0xf2, 0xf3, 0x2e, 0x48, 0x40, 0xf0, 0x90};
  for (int trial = 0; trial < 100'000; ++trial) {
    std::vector<uint8_t> bytes(random() % 18);
    for (uint8_t& byte : bytes) byte = kLikely[random() % std::size(kLikely)];
    const size_t length = cpuidLength(bytes.data(), bytes.size(), (trial & 1) != 0);
    const bool fits = length <= kMaxInstructionBytes && length <= bytes.size();
    if (!fits || (length != 0 && (bytes[length - 2] != 0x0f || bytes[length - 1] != 0xa2)))
      return expect.that(false, "a length that isn't one");
  }
  expect.that(true, "always one that fits");
}

constexpr int stopped(int signal, int event = 0) { return event << 16 | signal << 8 | 0x7f; }

struct Status {
  const char* what;
  int raw;
  WaitStatus::Kind kind;
  int exitCode = -1;
  int terminatingSignal = 0;
  int stopSignal = 0;
  int event = 0;
  int shellCode = -1;
};

using Kind = WaitStatus::Kind;

/** The encodings of wait(2) and ptrace(2). */
const Status kStatuses[] = {
    {"exit 0", 0, Kind::kExited, 0, 0, 0, 0, 0},
    {"exit 255", 0xff00, Kind::kExited, 255, 0, 0, 0, 255},
    {"killed", SIGKILL, Kind::kSignaled, -1, SIGKILL, 0, 0, 137},
    {"killed, with a core", SIGSEGV | 0x80, Kind::kSignaled, -1, SIGSEGV, 0, 0, 139},
    {"a signal", stopped(SIGSEGV), Kind::kSignalStop, -1, 0, SIGSEGV},
    {"a breakpoint", stopped(SIGTRAP), Kind::kSignalStop, -1, 0, SIGTRAP},
    {"SIGSTOP arrives", stopped(SIGSTOP), Kind::kSignalStop, -1, 0, SIGSTOP},
    {"a real-time signal", stopped(64), Kind::kSignalStop, -1, 0, 64},
    {"a system call", stopped(SIGTRAP | 0x80), Kind::kSyscallStop},
    {"exec", stopped(SIGTRAP, PTRACE_EVENT_EXEC), Kind::kEventStop, -1, 0, 0, PTRACE_EVENT_EXEC},
    {"fork", stopped(SIGTRAP, PTRACE_EVENT_FORK), Kind::kEventStop, -1, 0, 0, PTRACE_EVENT_FORK},
    {"seccomp", stopped(SIGTRAP, PTRACE_EVENT_SECCOMP), Kind::kEventStop, -1, 0, 0,
     PTRACE_EVENT_SECCOMP},
    {"interrupted", stopped(SIGTRAP, PTRACE_EVENT_STOP), Kind::kEventStop, -1, 0, 0,
     PTRACE_EVENT_STOP},
    {"SIGSTOP", stopped(SIGSTOP, PTRACE_EVENT_STOP), Kind::kGroupStop, -1, 0, SIGSTOP},
    {"SIGTSTP", stopped(SIGTSTP, PTRACE_EVENT_STOP), Kind::kGroupStop, -1, 0, SIGTSTP},
    {"SIGTTIN", stopped(SIGTTIN, PTRACE_EVENT_STOP), Kind::kGroupStop, -1, 0, SIGTTIN},
    {"SIGTTOU", stopped(SIGTTOU, PTRACE_EVENT_STOP), Kind::kGroupStop, -1, 0, SIGTTOU},
    {"continued", 0xffff, Kind::kOther},
};

void statusesAreToldApart(Expectations& expect) {
  for (const Status& test : kStatuses) {
    const WaitStatus status(test.raw);
    expect.that(status.kind() == test.kind, std::string(test.what) + ": kind");
    expect.that(status.exitCode() == test.exitCode, std::string(test.what) + ": exit code");
    expect.that(status.terminatingSignal() == test.terminatingSignal,
                std::string(test.what) + ": terminating signal");
    expect.that(status.stopSignal() == test.stopSignal, std::string(test.what) + ": stop signal");
    expect.that(status.event() == test.event, std::string(test.what) + ": event");
    expect.that(status.shellCode() == test.shellCode, std::string(test.what) + ": shell code");
    const bool ended = test.kind == Kind::kExited || test.kind == Kind::kSignaled;
    expect.that(status.hasEnded() == ended, std::string(test.what) + ": end");
    expect.that(status.raw() == test.raw, "unchanged");
  }
  expect.that(WaitStatus(SIGSEGV | 0x80).dumpedCore() && !WaitStatus(SIGSEGV).dumpedCore(), "core");
}

bool isOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

int openSomething() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

void descriptorsCloseOnce(Expectations& expect) {
  const int first = openSomething();
  const int second = openSomething();
  {
    ScopedFd one(first);
    ScopedFd other(std::move(one));
    // NOLINTBEGIN(bugprone-use-after-move): what is left of them is what is tried.
    expect.that(!one.isOpen() && other.get() == first && isOpen(first), "moved");
    other = ScopedFd(second);
    expect.that(!isOpen(first) && other.get() == second && isOpen(second), "assigned over");
    other = std::move(other);
    expect.that(other.get() == second && isOpen(second), "to itself");
    // NOLINTEND(bugprone-use-after-move)
  }
  expect.that(!isOpen(second), "closed at the end");
  const int third = openSomething();
  expect.that(ScopedFd(third).release() == third && isOpen(third), "given away");
  ScopedFd last(third);
  last.reset();
  expect.that(!isOpen(third) && last.get() == -1, "closed before the end");
  expect.that(!ScopedFd(-5).isOpen() && ScopedFd(-5).get() == -1, "a failed open closes nothing");
}

void namesSteerNoTerminal(Expectations& expect) {
  const struct {
    const char* text;
    const char* shown;
  } names[] = {
      {"true", "true"},
      {"sch\xc3\xb6n \xe6\xbc\xa2 \xf0\x9f\x99\x82", "sch\xc3\xb6n \xe6\xbc\xa2 \xf0\x9f\x99\x82"},
      {"a\x1b[31m", "a\\u001b[31m"},
      {"a\nb\tc\x7f", "a\\u000ab\\u0009c\\u007f"},
      {"\xc2\x9b", "\\u009b"},
      {"\xe2\x80\xae", "\\u202e"},
      {"\xef\xbb\xbf", "\\ufeff"},
      {"\xf3\xa0\x81\x81", "\\udb40\\udc41"},
      // No UTF-8: a byte alone, cut off, overlong, a surrogate, beyond the last code.
      {"\xff", "\\xff"},
      {"\xe2\x80", "\\xe2\\x80"},
      {"\xc0\xaf", "\\xc0\\xaf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
  };
  for (const auto& name : names) expect.that(printable(name.text) == name.shown, name.shown);
  expect.that(printable("a\n  b\x1b", true) == "a\n  b\\u001b", "own lines stay");
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::cpuidIsRecognised(expect);
  cpugate::cutCodeIsNone(expect);
  cpugate::anyCodeGivesALength(expect);
  cpugate::statusesAreToldApart(expect);
  cpugate::descriptorsCloseOnce(expect);
  cpugate::namesSteerNoTerminal(expect);
  return expect.conclude();
}
