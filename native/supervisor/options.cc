#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "printable.h"

namespace cpugate {

namespace {

constexpr const char* kUsageText =
    "usage: cpugate-supervisor run --mask FILE [--trap faulting|patch|auto] [--pid-file FILE] "
    "[--runtime-dir DIR] -- PROGRAM "
    "[ARGUMENT...]\n"
    "       cpugate-supervisor attach --mask FILE (--pid PID | --cgroup PATH)... [--background] "
    "[--pid-file FILE] [--from-start]\n"
    "       cpugate-supervisor adopt --mask FILE --pid PID [--keep-stopped PID]... [--background] "
    "[--pid-file FILE] [--from-start]\n"
    "       cpugate-supervisor control --pid PID (status | detach | release [--until PID] | "
    "resume)\n"
    "       cpugate-supervisor rewrite --pid PID ADDRESS:BEFORE:AFTER...\n"
    "       cpugate-supervisor probe\n"
    "       cpugate-supervisor measure\n"
    "       cpugate-supervisor check-mask FILE\n"
    "       cpugate-supervisor sites FILE...\n"
    "\"cpugate run\", \"attach\" and \"restore\" call it with the right arguments.\n";

enum {
  kMask = 256,
  kPid,
  kCgroup,
  kPidFile,
  kRuntimeDir,
  kBackground,
  kKeepStopped,
  kUntil,
  kFromStart,
  kTrap
};

constexpr option kOptions[] = {
    {"mask", required_argument, nullptr, kMask},
    {"pid", required_argument, nullptr, kPid},
    {"cgroup", required_argument, nullptr, kCgroup},
    {"pid-file", required_argument, nullptr, kPidFile},
    {"runtime-dir", required_argument, nullptr, kRuntimeDir},
    {"background", no_argument, nullptr, kBackground},
    {"keep-stopped", required_argument, nullptr, kKeepStopped},
    {"until", required_argument, nullptr, kUntil},
    {"from-start", no_argument, nullptr, kFromStart},
    {"trap", required_argument, nullptr, kTrap},
    {nullptr, 0, nullptr, 0},
};

std::optional<Mode> modeOf(const char* name) {
  constexpr struct {
    const char* name;
    Mode mode;
  } kModes[] = {
      {"run", Mode::kRun},         {"attach", Mode::kAttach},        {"adopt", Mode::kAdopt},
      {"control", Mode::kControl}, {"rewrite", Mode::kRewrite},      {"probe", Mode::kProbe},
      {"measure", Mode::kMeasure}, {"check-mask", Mode::kCheckMask}, {"sites", Mode::kSites}};
  for (const auto& one : kModes)
    if (strcmp(one.name, name) == 0) return one.mode;
  return std::nullopt;
}

std::optional<Trap> trapOf(const char* name) {
  constexpr struct {
    const char* name;
    Trap trap;
  } kTraps[] = {{"faulting", Trap::kFaulting}, {"patch", Trap::kPatch}, {"auto", Trap::kAuto}};
  for (const auto& one : kTraps)
    if (strcmp(one.name, name) == 0) return one.trap;
  complain("--trap can't be \"%s\": it is faulting, patch or auto", printable(name).c_str());
  return std::nullopt;
}

/** 0: no process can have this number. */
pid_t readPid(const char* text) {
  char* end;
  const long value = strtol(text, &end, 10);
  return *end == '\0' && value > 0 && value <= 1 << 22 ? static_cast<pid_t>(value) : 0;
}

bool take(Options& options, int which) {
  const pid_t pid = which == kPid || which == kKeepStopped || which == kUntil ? readPid(optarg) : 1;
  if (pid == 0) {
    complain("\"%s\" is not a process id", printable(optarg).c_str());
    return false;
  }
  switch (which) {
    case kMask:
      options.mask = optarg;
      return true;
    case kPid:
      options.pids.push_back(pid);
      return true;
    case kCgroup:
      options.cgroups.push_back(optarg);
      return true;
    case kPidFile:
      options.pidFile = optarg;
      return true;
    case kRuntimeDir:
      options.runtimeDir = optarg;
      return true;
    case kBackground:
      options.background = true;
      return true;
    case kKeepStopped:
      options.keepStopped.push_back(pid);
      return true;
    case kUntil:
      options.until = pid;
      return true;
    case kFromStart:
      options.fromStart = true;
      return true;
    case kTrap: {
      const auto trap = trapOf(optarg);
      if (trap) options.trap = *trap;
      return trap.has_value();
    }
    default:
      fputs(kUsageText, stderr);
      return false;
  }
}

bool isComplete(const Options& options) {
  switch (options.mode) {
    case Mode::kRun:
      return options.mask != nullptr && options.command != nullptr;
    case Mode::kAttach:
      return options.mask != nullptr && !(options.pids.empty() && options.cgroups.empty());
    case Mode::kAdopt:
      return options.mask != nullptr && !options.pids.empty();
    case Mode::kControl:
      return options.pids.size() == 1 && options.request != nullptr;
    case Mode::kRewrite:
      return options.pids.size() == 1 && options.words != nullptr;
    case Mode::kCheckMask:
      return options.mask != nullptr;
    case Mode::kSites:
      return options.files != nullptr;
    case Mode::kProbe:
    case Mode::kMeasure:
      return true;
  }
  return false;
}

}  // namespace

std::optional<Options> parseOptions(int argc, char** argv) {
  Options options;
  const auto mode = argc > 1 ? modeOf(argv[1]) : std::nullopt;
  if (!mode) {
    fputs(kUsageText, stderr);
    return std::nullopt;
  }
  options.mode = *mode;
  optind = 2;
  // "+": the first word that is no option ends them; a program has options of its own.
  const char* order = options.mode == Mode::kRun ? "+" : "";
  for (int which; (which = getopt_long(argc, argv, order, kOptions, nullptr)) != -1;)
    if (!take(options, which)) return std::nullopt;
  if (optind < argc) {
    if (options.mode == Mode::kRun) options.command = argv + optind;
    if (options.mode == Mode::kControl) options.request = argv[optind];
    if (options.mode == Mode::kRewrite) options.words = argv + optind;
    if (options.mode == Mode::kCheckMask) options.mask = argv[optind];
    if (options.mode == Mode::kSites) options.files = argv + optind;
  }
  if (isComplete(options)) return options;
  fputs(kUsageText, stderr);
  return std::nullopt;
}

}  // namespace cpugate
