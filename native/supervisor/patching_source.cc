/**
 * CPUID made to trap by other code in its place, for hosts without CPUID faulting: RDMSR, which
 * user programs may not execute (code_patches.h). It is for programs that mean no harm: code that
 * is written into memory that is executable already isn't seen.
 *
 * What is CPUID is proven: by what a file tells of its functions (code_sites.h). Where nothing is
 * proven the page is held: it isn't executable until somebody executes it, and then what he reaches
 * from there is code for certain. The same is done with memory that is writable and executable,
 * where code appears after the call that makes it so.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <tuple>

#include "code_sites.h"
#include "complain.h"
#include "instruction.h"
#include "memory.h"
#include "memory_map.h"
#include "system_calls.h"
#include "trap_source.h"

namespace cpugate {

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t pageOf(uint64_t address) { return address & ~(kPage - 1); }
constexpr uint64_t pageBehind(uint64_t address) { return pageOf(address + kPage - 1); }
/** Behind it is the kernel's half, with the page of old system calls. */
constexpr Range kUserSpace{0, uint64_t{1} << 56};
/** What is read at a time. */
constexpr size_t kChunk = size_t{1} << 18;
/** Code behind a held page that is looked at with it, bytes. */
constexpr uint64_t kAhead = 4 * kPage;
constexpr size_t kMostFiles = 512;
/** Numbers of 32-bit calls are never needed: such programs are refused. */
constexpr long kNo32 = 0;

/** A file as it was: another in its place, or another content, has another. */
using FileKey = std::tuple<dev_t, ino_t, off_t, time_t, long, time_t, long>;

FileKey keyOf(const struct stat& status) {
  return {status.st_dev,         status.st_ino,          status.st_size,
          status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
          status.st_ctim.tv_nsec};
}

/** The file of a mapping, and no other; not open where that can't be had. */
ScopedFd openMapped(pid_t tid, const Mapping& mapping, struct stat* status) {
  char path[128];
  snprintf(path, sizeof path, "/proc/%d/map_files/%lx-%lx", tid,
           static_cast<unsigned long>(mapping.range.from),
           static_cast<unsigned long>(mapping.range.to));
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  ScopedFd file(open(path, kFlags));
  const bool isCertain = file.isOpen();
  // Only for the privileged; everybody else goes by the name, and compares.
  if (!isCertain)
    file.reset(open(("/proc/" + std::to_string(tid) + "/root" + mapping.name).c_str(), kFlags));
  if (!file.isOpen() || fstat(file.get(), status) != 0 || !S_ISREG(status->st_mode)) return {};
  const bool isSame =
      isCertain || (status->st_dev == mapping.device && status->st_ino == mapping.inode);
  return isSame ? std::move(file) : ScopedFd();
}

/** One byte of a task's code is another from now on, if it was what is expected. */
bool replaceByte(pid_t tid, uint64_t address, uint8_t before, uint8_t after) {
  const uint64_t at = address & ~uint64_t{7};
  const unsigned shift = 8 * static_cast<unsigned>(address & 7);
  uint64_t word;
  const Touching touching(tid);
  if (!peekCode(tid, at, &word) || static_cast<uint8_t>(word >> shift) != before) return false;
  // Where the task itself may write, others write there at the same time: no more than the byte.
  if (writeMemory(tid, address, &after, 1)) return true;
  word = (word & ~(uint64_t{0xff} << shift)) | uint64_t{after} << shift;
  return syscall(SYS_ptrace, PTRACE_POKETEXT, tid, at, word) == 0;
}

bool hasByte(pid_t tid, uint64_t address, uint8_t byte) {
  uint64_t word;
  const Touching touching(tid);
  return peekCode(tid, address & ~uint64_t{7}, &word) &&
         static_cast<uint8_t>(word >> 8 * (address & 7)) == byte;
}

/** Addresses, ascending. */
struct Sites {
  std::vector<uint64_t> proven;
  std::vector<uint64_t> unproven;
};

class Patching final : public TrapSource {
 public:
  bool works(std::string*) const override { return true; }
  const char* name() const override { return "patch"; }
  bool watchesCode() const override { return true; }

  bool isTrapSignal(const siginfo_t& info) const override {
    return info.si_signo == SIGSEGV && info.si_code == SI_KERNEL;
  }

  Co<bool> arm(RemoteCalls& calls) const override {
    const auto space = calls.task().space;
    if (space->is32) {
      complain("process %d runs 32-bit code, which --trap patch can't mask", calls.tid());
      co_return false;
    }
    if (space->code.isDone) co_return true;
    co_await calls.openMemory();
    const bool done = co_await patchIn(calls, kUserSpace, false);
    co_await calls.closeMemory();
    space->code.isDone = done;
    co_return done;
  }

  /** Threads may stand anywhere in code that would change under them: what is patched stays so. */
  Co<bool> disarm(RemoteCalls&) const override { co_return false; }

  Co<void> makeCodeCall(Task& task, SyscallStop stop) const override;
  Co<Fetched> onFetchFault(RemoteCalls& calls, uint64_t address, uint64_t at) const override;
  Co<void> holdAgain(RemoteCalls& calls, Held held) const override {
    const bool done = co_await hold(calls, held);
    if (!done) calls.task().space->code.left.insert(held.range.from);
  }

 private:
  static std::vector<Mapping> executableIn(pid_t tid, const Range& range) {
    std::vector<Mapping> list = mappingsIn(tid, range);
    std::erase_if(list, [](const Mapping& one) { return (one.protection & PROT_EXEC) == 0; });
    return list;
  }

  /** Other memory can have come in its place: that it was given back nobody has told. */
  static bool isHeldStill(const Mapping& mapping, const Held& held) {
    return mapping.protection == (held.protection & ~PROT_EXEC);
  }

  static Co<bool> protect(RemoteCalls& calls, Range range, int protection) {
    const RemoteCalls::Arguments arguments{
        range.from, range.to - range.from, static_cast<uint64_t>(protection), 0, 0, 0};
    const auto result = co_await calls.call(SYS_mprotect, kNo32, arguments);
    // Memory that isn't there any more needs nothing.
    co_return result && (*result == 0 || *result == -ENOMEM);
  }

  static Co<bool> hold(RemoteCalls& calls, Held held) {
    // Known first: another thread may be there at once.
    calls.task().space->code.hold(held);
    const bool done = co_await protect(calls, held.range, held.protection & ~PROT_EXEC);
    if (!done) calls.task().space->code.stopHolding(held.range);
    co_return done;
  }

  /** What all of the files mapped so far tell; a file's is read once. */
  const CodeSites* sitesOfFile(pid_t tid, const Mapping& mapping) const {
    struct stat status {};
    const ScopedFd file = openMapped(tid, mapping, &status);
    if (!file.isOpen()) return nullptr;
    const auto known = files_.find(keyOf(status));
    if (known != files_.end()) return &known->second;
    if (files_.size() >= kMostFiles) files_.clear();
    return &(files_[keyOf(status)] =
                 findSitesIn(file.get(), static_cast<uint64_t>(status.st_size)));
  }

  /** By what its file tells; nothing where that isn't known. */
  std::optional<Sites> sitesByFile(pid_t tid, const Mapping& mapping) const {
    if (mapping.inode == 0) return std::nullopt;
    const CodeSites* file = sitesOfFile(tid, mapping);
    if (file == nullptr) return std::nullopt;
    const uint64_t bytes = mapping.range.to - mapping.range.from;
    const auto addresses = [&](const std::vector<uint64_t>& offsets) {
      std::vector<uint64_t> list;
      for (const uint64_t offset : offsets)
        if (offset >= mapping.offset && offset - mapping.offset < bytes)
          list.push_back(offset - mapping.offset + mapping.range.from);
      return list;
    };
    return Sites{addresses(file->proven), addresses(file->unproven)};
  }

  static Co<std::vector<uint64_t>> pairsInMemory(const Task& task, Range range) {
    std::vector<uint64_t> pairs;
    std::vector<uint8_t> bytes(std::min<uint64_t>(kChunk + 1, range.to - range.from));
    for (uint64_t at = range.from; at < range.to; at += kChunk) {
      const auto wanted = std::min<uint64_t>(bytes.size(), range.to - at);
      const size_t got = co_await readTask(task, at, bytes.data(), wanted);
      for (const size_t pair : findPairs(bytes.data(), got))
        if (pair < kChunk) pairs.push_back(at + pair);
    }
    co_return pairs;
  }

  /** What was there before may have been written over, unseen. */
  static void forgetOverwritten(const Task& task, const Range& range) {
    CodePatches& code = task.space->code;
    for (const uint64_t site : code.sitesIn(range))
      if (!hasByte(task.tid, site + 1, kTrapByte) || !hasByte(task.tid, site, kCpuid[0]))
        code.removeSite(site);
  }

  /**
   * Makes the CPUIDs trap that are executable in a range. `wasWritten`: what lies there may be
   * another than in the file.
   */
  Co<bool> patchIn(RemoteCalls& calls, Range range, bool wasWritten) const {
    Task& task = calls.task();
    const auto space = task.space;
    bool done = true;
    for (const Mapping& mapping : executableIn(task.tid, range)) {
      const Range part = overlapOf(mapping.range, range);
      // What all who have the file mapped would see isn't changed; a stack's end moves.
      if (mapping.isShared || mapping.name == "[stack]") {
        space->code.left.insert(part.from);
        continue;
      }
      if ((mapping.protection & PROT_WRITE) != 0) {
        const Held held{part, mapping.protection};
        const bool isHeld = co_await hold(calls, held);
        done = done && isHeld;
        continue;
      }
      forgetOverwritten(task, part);
      std::optional<Sites> sites = sitesByFile(task.tid, mapping);
      if (!sites || wasWritten) {
        const std::vector<uint64_t> pairs = co_await pairsInMemory(task, part);
        const Sites known = sites.value_or(Sites{});
        sites = Sites{};
        for (const uint64_t pair : pairs) {
          const bool isProven = std::ranges::binary_search(known.proven, pair);
          (isProven ? sites->proven : sites->unproven).push_back(pair);
        }
      }
      for (const uint64_t site : sites->proven)
        if (part.has(site)) patchSite(task, site);
      const bool areHeld = co_await holdPages(calls, *sites, part, mapping.protection);
      done = done && areHeld;
    }
    co_return done;
  }

  static void patchSite(const Task& task, uint64_t site) {
    // A child of whom nobody has told has inherited it.
    if (hasByte(task.tid, site, kCpuid[0]) &&
        (hasByte(task.tid, site + 1, kTrapByte) ||
         replaceByte(task.tid, site + 1, kCpuidByte, kTrapByte)))
      task.space->code.addSite(site);
  }

  static Co<bool> holdPages(RemoteCalls& calls, const Sites& sites, Range part, int protection) {
    bool done = true;
    uint64_t last = 0;
    for (const uint64_t site : sites.unproven) {
      const uint64_t page = pageOf(site);
      if (!part.has(site) || page == last || calls.task().space->code.heldAt(site)) continue;
      last = page;
      const Held held{{page, page + kPage}, protection};
      const bool isHeld = co_await hold(calls, held);
      done = done && isHeld;
    }
    co_return done;
  }

  /** By file. Of this process: nobody else can write it. */
  mutable std::map<FileKey, CodeSites> files_;
};

/** A call by which memory may become executable. */
struct CodeCall {
  enum class Kind { kOther, kMap, kProtect, kMove, kShared };
  Kind kind = Kind::kOther;
  /** What it is about, where that is known beforehand. */
  Range range;
};

CodeCall codeCallOf(const SystemCalls& calls, const SyscallStop& stop) {
  const auto number = static_cast<uint32_t>(stop.number);
  const Range range{stop.arguments[0], stop.arguments[0] + pageBehind(stop.arguments[1])};
  if (number == calls.mmap) return {CodeCall::Kind::kMap, range};
  if (number == calls.mprotect || number == calls.pkeyMprotect)
    return {CodeCall::Kind::kProtect, range};
  if (number == calls.mremap) return {CodeCall::Kind::kMove, range};
  return {CodeCall::Kind::kShared, {}};
}

Co<void> Patching::makeCodeCall(Task& task, SyscallStop stop) const {
  const CodeCall call = codeCallOf(callsOf(stop.arch, stop.number), stop);
  Registers asked;
  if (!readRegisters(task.tid, &asked)) co_return;
  const auto protection = static_cast<int>(stop.arguments[2]);
  const bool names = call.kind == CodeCall::Kind::kMap || call.kind == CodeCall::Kind::kProtect;
  const bool isShared =
      call.kind == CodeCall::Kind::kMap && (stop.arguments[3] & MAP_TYPE) != MAP_PRIVATE;
  // Its code comes later: it isn't executable before it is executed.
  const bool holds = names && !isShared && (protection & PROT_WRITE) != 0;
  if (holds) {
    Registers changed = asked;
    // The third argument of both ways in.
    changed.rdx &= ~uint64_t{PROT_EXEC};
    if (!writeRegisters(task.tid, changed)) co_return;
    // Known first: another thread may be executing there.
    if (call.kind == CodeCall::Kind::kProtect) task.space->code.hold({call.range, protection});
  }
  do {
    if (!resume(task.tid, Resume::kToSyscallStop)) co_return;
    const WaitStatus stopped = co_await task.nextStop;
    if (stopped.kind() == WaitStatus::Kind::kSyscallStop) break;
  } while (true);
  Registers now;
  if (!readRegisters(task.tid, &now)) co_return;
  if (holds) {
    now.rdx = asked.rdx;
    writeRegisters(task.tid, now);
  }
  const auto result = static_cast<int64_t>(now.rax);
  if (result < 0 && result > -4096) co_return;
  const auto space = task.space;
  Range range = call.range;
  const auto address = static_cast<uint64_t>(result);
  if (call.kind == CodeCall::Kind::kMap) {
    range = {address, address + pageBehind(stop.arguments[1])};
    space->code.forget(range);
  } else if (call.kind == CodeCall::Kind::kMove) {
    const uint64_t bytes = pageBehind(stop.arguments[2]);
    if (address != range.from) {
      range.to = range.from + std::min(range.to - range.from, bytes);
      space->code.move(range, address);
    }
    range = {address, address + bytes};
  } else if (call.kind == CodeCall::Kind::kShared) {
    range = {address, address + 1};
  }
  if (holds) {
    space->code.stopHolding(range);
    for (const uint64_t site : space->code.sitesIn(range))
      if (!hasByte(task.tid, site + 1, kTrapByte)) space->code.removeSite(site);
    space->code.hold({range, protection});
    co_return;
  }
  if (call.kind == CodeCall::Kind::kProtect) space->code.stopHolding(range);
  if (call.kind == CodeCall::Kind::kMove && executableIn(task.tid, range).empty()) co_return;
  Turn turn(space->codeTurns);
  co_await turn;
  RemoteCalls calls(task);
  if (!co_await calls.begin()) co_return;
  co_await calls.openMemory();
  const bool wasWritten = call.kind != CodeCall::Kind::kMap;
  const bool done = co_await patchIn(calls, range, wasWritten);
  if (!done) space->code.left.insert(range.from);
  co_await calls.closeMemory();
}

Co<Fetched> Patching::onFetchFault(RemoteCalls& calls, uint64_t address, uint64_t at) const {
  Task& task = calls.task();
  const auto space = task.space;
  const auto held = space->code.heldAt(address);
  const std::vector<Mapping> there = mappingsIn(task.tid, {address, address + 1});
  if (there.empty()) co_return Fetched{};
  // Another thread has executed it at the same time.
  if ((there[0].protection & PROT_EXEC) != 0) co_return Fetched{Fetched::What::kAgain, {}};
  if (!held || !isHeldStill(there[0], *held)) co_return Fetched{};
  const Range range = overlapOf(held->range, there[0].range);
  if (there[0].isShared || calls.registers().cs != kCode64) {
    // Others would see what is changed there; and what 32-bit code is isn't known here.
    space->code.left.insert(range.from);
    const bool given = co_await protect(calls, range, held->protection);
    space->code.stopHolding(range);
    co_return Fetched{given ? Fetched::What::kGiven : Fetched::What::kOwn, {}};
  }
  co_await calls.openMemory();
  // An instruction may begin on the page before.
  const Range window{std::min(range.from, pageOf(at)), range.to + kAhead};
  std::vector<uint8_t> bytes(window.to - window.from);
  const size_t got = co_await readTask(task, window.from, bytes.data(), bytes.size());
  bytes.resize(got);
  space->code.showOriginal(window.from, bytes.data(), bytes.size());
  std::vector<size_t> pairs = findPairs(bytes.data(), bytes.size());
  for (const size_t pair : reachedPairs(bytes.data(), bytes.size(), at - window.from, pairs)) {
    const uint64_t site = window.from + pair;
    if (range.has(site) || space->code.heldAt(site)) patchSite(task, site);
  }
  // What hasn't been reached is held on, but for the page that is executed right now.
  const uint64_t here = pageOf(address);
  std::vector<uint64_t> kept;
  bool isOpen = false;
  for (const size_t pair : pairs) {
    const uint64_t site = window.from + pair;
    if (!range.has(site) || space->code.isSite(site)) continue;
    if (pageOf(site) == here)
      isOpen = true;
    else if (kept.empty() || kept.back() != pageOf(site))
      kept.push_back(pageOf(site));
  }
  kept.push_back(range.to);
  bool done = true;
  uint64_t from = range.from;
  for (const uint64_t page : kept) {
    if (from < page) {
      const Range part{from, page};
      const bool given = co_await protect(calls, part, held->protection);
      // Only then: another thread that faults meanwhile is to find one or the other.
      space->code.stopHolding(part);
      done = done && given;
    }
    from = page + kPage;
  }
  co_await calls.closeMemory();
  co_return Fetched{
      done ? Fetched::What::kGiven : Fetched::What::kOwn,
      isOpen ? std::optional(Held{{here, here + kPage}, held->protection}) : std::nullopt};
}

}  // namespace

const TrapSource& patchedCode() {
  static const Patching source;
  return source;
}

}  // namespace cpugate
