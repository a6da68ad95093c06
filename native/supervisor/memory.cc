#include "memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <list>
#include <memory>
#include <vector>

#include "tracee.h"

namespace cpugate {

namespace {

/** Tasks that let us wait, at a time; more can't be served. */
constexpr size_t kMostTransfers = 64;
constexpr size_t kStackBytes = size_t{64} * 1024;
constexpr timespec kKnockAgain{0, 2'000'000};
constexpr int64_t kLongest = 1'000'000'000;
/** kSupervisorFailed (launch.h). */
constexpr int kStuck = 125;

int wakeSignal() { return SIGRTMIN + 1; }

struct Transfer {
  pid_t tid;
  uint64_t address;
  bool writes;
  std::vector<char> bytes;
  size_t done = 0;
  pid_t waiter;
  std::atomic<bool> isOver = false;
  std::atomic<bool> isSeen = false;
  /** Nobody: the script is gone. */
  std::coroutine_handle<> script;
};

std::list<std::shared_ptr<Transfer>> transfers;

/**
 * Since when, in nanoseconds of the monotonic clock, the supervisor's thread touches memory,
 * and whose; 0: it doesn't.
 */
std::atomic<int64_t> touchedSince = 0;
std::atomic<pid_t> touched = 0;

int64_t nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec + 1;
}

void* transferMain(void* given) {
  const std::unique_ptr<std::shared_ptr<Transfer>> own(
      static_cast<std::shared_ptr<Transfer>*>(given));
  Transfer& one = **own;
  one.done = one.writes ? writeMemory(one.tid, one.address, one.bytes.data(), one.bytes.size()) *
                              one.bytes.size()
                        : readMemory(one.tid, one.address, one.bytes.data(), one.bytes.size());
  one.isOver = true;
  // The wait that it interrupts may be just about to begin.
  while (!one.isSeen) {
    syscall(SYS_tgkill, getpid(), one.waiter, wakeSignal());
    nanosleep(&kKnockAgain, nullptr);
  }
  return nullptr;
}

bool begin(const std::shared_ptr<Transfer>& transfer) {
  static const bool installed = [] {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    return sigaction(wakeSignal(), &action, nullptr) == 0;
  }();
  if (!installed || transfers.size() >= kMostTransfers) return false;
  transfer->waiter = static_cast<pid_t>(syscall(SYS_gettid));
  // Signals are for the supervisor's thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  auto given = std::make_unique<std::shared_ptr<Transfer>>(transfer);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, transferMain, given.get()) == 0;
  if (started) static_cast<void>(given.release());  // transferMain owns it now.
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started) transfers.push_back(transfer);
  return started;
}

/** Waits for a transfer on another thread; gives the bytes done. */
class Elsewhere {
 public:
  explicit Elsewhere(std::shared_ptr<Transfer> transfer) : transfer_(std::move(transfer)) {}
  ~Elsewhere() { transfer_->script = nullptr; }
  Elsewhere(const Elsewhere&) = delete;
  Elsewhere& operator=(const Elsewhere&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> script) {
    transfer_->script = script;
    return begin(transfer_);
  }
  size_t await_resume() const { return transfer_->done; }

 private:
  std::shared_ptr<Transfer> transfer_;
};

std::shared_ptr<Transfer> makeTransfer(pid_t tid, uint64_t address, bool writes, size_t bytes) {
  auto transfer = std::make_shared<Transfer>();
  transfer->tid = tid;
  transfer->address = address;
  transfer->writes = writes;
  transfer->bytes.resize(bytes);
  return transfer;
}

/** Documentation/admin-guide/mm/pagemap.rst. */
constexpr uint64_t kPage = 4096;
constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr uint64_t kOfFile = uint64_t{1} << 61;

bool areThere(const Task& task, uint64_t address, size_t bytes, bool writes) {
  AddressSpace& space = *task.space;
  if (space.mayBlock || bytes == 0) return false;
  if (!space.pagemap.isOpen()) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/pagemap", task.tid);
    space.pagemap.reset(open(path, O_RDONLY | O_CLOEXEC));
    // Of a task that nobody may look into; its memory can't be read either.
    if (!space.pagemap.isOpen()) return true;
  }
  const uint64_t first = address / kPage, last = (address + bytes - 1) / kPage;
  for (uint64_t page = first; page <= last; ++page) {
    uint64_t entry = 0;
    const ssize_t got =
        pread(space.pagemap.get(), &entry, sizeof entry, static_cast<off_t>(page * sizeof entry));
    // The kernel's half, or none: nobody waits for what isn't there.
    if (got == 0) continue;
    if (got != sizeof entry || (entry & kPresent) == 0) return false;
    if (writes && (entry & kOfFile) != 0) return false;
  }
  return true;
}

}  // namespace

Touching::Touching(pid_t tid) {
  touched = tid;
  touchedSince = nanoseconds();
}

Touching::~Touching() { touchedSince = 0; }

bool isAtHand(const Task& task, uint64_t address, size_t bytes) {
  return areThere(task, address, bytes, false);
}

Co<size_t> readTask(const Task& task, uint64_t address, void* to, size_t bytes) {
  if (areThere(task, address, bytes, false)) {
    const Touching touching(task.tid);
    co_return readMemory(task.tid, address, to, bytes);
  }
  const auto transfer = makeTransfer(task.tid, address, false, bytes);
  Elsewhere elsewhere(transfer);
  const size_t done = co_await elsewhere;
  memcpy(to, transfer->bytes.data(), done);
  co_return done;
}

Co<bool> writeTask(const Task& task, uint64_t address, const void* from, size_t bytes) {
  if (areThere(task, address, bytes, true)) {
    const Touching touching(task.tid);
    co_return writeMemory(task.tid, address, from, bytes);
  }
  const auto transfer = makeTransfer(task.tid, address, true, bytes);
  memcpy(transfer->bytes.data(), from, bytes);
  Elsewhere elsewhere(transfer);
  const size_t done = co_await elsewhere;
  co_return done == bytes;
}

void finishTransfers() {
  for (auto at = transfers.begin(); at != transfers.end();) {
    const std::shared_ptr<Transfer> one = *at;
    if (!one->isOver) {
      ++at;
      continue;
    }
    at = transfers.erase(at);
    one->isSeen = true;
    if (const auto script = std::exchange(one->script, nullptr)) script.resume();
    // The script may have begun another.
    at = transfers.begin();
  }
}

void endBlockedTransfer() {
  const int64_t since = touchedSince;
  const pid_t tid = touched;
  if (since == 0 || nanoseconds() - since < kLongest) return;
  signalThread(tid, SIGKILL);
  // Who serves its page is another task: with the supervisor they all end.
  if (nanoseconds() - since > 3 * kLongest) _exit(kStuck);
}

}  // namespace cpugate
