/**
 * cpugate-probe: prints what this host shows to its tasks, as "cpugate probe" does, where there is
 * no Node. Static, so that any Linux on x86-64 runs it, and any container.
 */
#include <limits.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "record.h"

namespace cpugate {
namespace {

constexpr const char* kUsage =
    "Usage: cpugate-probe [--name NAME]\n\n"
    "Prints what this host shows to its tasks: a profile for cpugate.\n\n"
    "      --name NAME  what to call the host (default: its host name)\n"
    "      --version    print the version\n"
    "      --help       print this help\n";
constexpr int kWrongUsage = 2;
constexpr std::chrono::seconds kChildLimit{5};
/** /proc/cpuinfo of thousands of CPUs, and a C library with all that debuggers want, are smaller.
 */
constexpr size_t kMostBytes = size_t{64} << 20;
/** The psABI's place of the dynamic loader. glibc installs libc.so.6 beside what it leads to. */
constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

struct CloseFile {
  void operator()(FILE* file) const { fclose(file); }
};

/** Nothing: a sandbox hides it, or it has no end. What it would tell is then unknown. */
std::optional<std::string> readFile(const char* path) {
  const std::unique_ptr<FILE, CloseFile> file(fopen(path, "rbe"));
  if (file == nullptr) return std::nullopt;
  std::string content;
  char chunk[65536];
  for (;;) {
    const size_t got = fread(chunk, 1, sizeof chunk, file.get());
    content.append(chunk, got);
    if (content.size() > kMostBytes || ferror(file.get()) != 0) return std::nullopt;
    if (got < sizeof chunk) return content;
  }
}

std::optional<std::string> readLibc() {
  char real[PATH_MAX];
  if (realpath(kLoader, real) == nullptr) return std::nullopt;
  std::string path = real;
  path.resize(path.rfind('/') + 1);
  return readFile((path + "libc.so.6").c_str());
}

/** ISO 8601, with milliseconds, as JavaScript writes it. */
std::string now() {
  timespec time = {};
  clock_gettime(CLOCK_REALTIME, &time);
  tm parts = {};
  gmtime_r(&time.tv_sec, &parts);
  char seconds[32];
  strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[48];
  snprintf(text, sizeof text, "%s.%03ldZ", seconds, time.tv_nsec / 1'000'000);
  return text;
}

int complain(const std::string& line) {
  fprintf(stderr, "cpugate-probe: %s\n", line.c_str());
  return kWrongUsage;
}

int print(std::string_view text) {
  if (fwrite(text.data(), 1, text.size(), stdout) == text.size() && fflush(stdout) == 0) return 0;
  return complain(std::string("can't write: ") + strerror(errno));
}

int printRecord(const std::string& name) {
  const auto cpus = probeCpus();
  if (!cpus) return complain(std::string("no CPU could be asked: ") + strerror(errno));
  utsname system = {};
  uname(&system);
  const MachineAnswers machine = {
      .hostname = system.nodename,
      .kernel = system.release,
      .cpus = *cpus,
      .onlineCpus = readFile("/sys/devices/system/cpu/online"),
      .cpuinfo = readFile("/proc/cpuinfo"),
      .auxiliaryVector = readFile("/proc/self/auxv"),
      .libc = readLibc(),
      .xcompSupported = xcompSupported(),
      .faulting = probeCpuidFaulting(kChildLimit),
  };
  std::string why;
  const auto record =
      recordOf(machine, {.name = name, .taken = now(), .version = CPUGATE_VERSION}, why);
  return record ? print(*record) : complain(why);
}

}  // namespace

int probeMain(int count, char** words) {
  std::string name;
  for (int place = 1; place < count; ++place) {
    const std::string_view word = words[place];
    if (word == "--help") return print(kUsage);
    if (word == "--version") return print(CPUGATE_VERSION "\n");
    if (word == "--name" && place + 1 < count && words[place + 1][0] != '\0')
      name = words[++place];
    else if (word == "--name")
      return complain("--name needs a name");
    else
      return complain("doesn't know \"" + std::string(word) + "\"; --help tells what it does");
  }
  return printRecord(name);
}

}  // namespace cpugate

int main(int count, char** words) { return cpugate::probeMain(count, words); }
