/**
 * Waits for wait statuses. A thread that was let go often stops again in a moment: programs ask CPUID many
 * times in a row, and a call made in a thread's name has two stops. To be put to sleep and woken takes far
 * longer than that where the thread has a CPU of its own, in virtual machines above all: so the supervisor
 * looks for a moment before it sleeps, as long as that is worth it.
 */
#ifndef CPUGATE_SUPERVISOR_WAITS_H_
#define CPUGATE_SUPERVISOR_WAITS_H_

#include <sys/types.h>

namespace cpugate {

/** As waitpid, of any kind of child; 0: there is no status yet. */
pid_t lookFor(pid_t whom, int* status);
/** The same, until there is one, or a signal came (EINTR). */
pid_t waitUntil(pid_t whom, int* status);
/** One thread's, whatever signals come; false where it is gone without one. */
bool waitFor(pid_t tid, int* status);

/** Whether looking pays, by how it went so far; pure. */
class Worth {
 public:
  bool isWorthALook() { return credit_ > 0 || ++skipped_ % kSeldom == 0; }
  void add(bool found) { credit_ = found ? kMostCredit : credit_ > 0 ? credit_ - 1 : 0; }

  /** Vain looks in a row that are put up with. */
  static constexpr unsigned kMostCredit = 8;
  /** Then one wait in so many looks. */
  static constexpr unsigned kSeldom = 16;

 private:
  unsigned credit_ = kMostCredit;
  unsigned skipped_ = 0;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_WAITS_H_
