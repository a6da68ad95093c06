/* SIGSEGV waited for: sigwaitinfo and signalfd get what was sent, never a CPUID. */
#include <sys/signalfd.h>

#include "signals.h"

int main(void) {
  block(SIGSEGV);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGSEGV);
  const int descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  REQUIRE(descriptor >= 0);
  struct signalfd_siginfo read_info;
  siginfo_t info;
  const struct timespec none = {0, 0};

  for (int i = 0; i < 3; i++) {
    REQUIRE_SIGHT("main");
    REQUIRE_EQUAL(sigtimedwait(&set, &info, &none), -1);
    REQUIRE_EQUAL(errno, EAGAIN);
    REQUIRE_EQUAL(read(descriptor, &read_info, sizeof read_info), -1);
    REQUIRE_EQUAL(errno, EAGAIN);

    REQUIRE(kill(getpid(), SIGSEGV) == 0);
    REQUIRE_SIGHT("main");
    REQUIRE_EQUAL(sigwaitinfo(&set, &info), SIGSEGV);
    REQUIRE_EQUAL(info.si_code, SI_USER);
    REQUIRE_EQUAL(info.si_pid, getpid());

    REQUIRE(sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = 17}) == 0);
    REQUIRE_SIGHT("main");
    REQUIRE_EQUAL(read(descriptor, &read_info, sizeof read_info), sizeof read_info);
    REQUIRE_EQUAL(read_info.ssi_signo, SIGSEGV);
    REQUIRE_EQUAL(read_info.ssi_code, SI_QUEUE);
    REQUIRE_EQUAL(read_info.ssi_int, 17);
    REQUIRE_EQUAL(is_blocked(SIGSEGV), 1);
    require_disposition(SIGSEGV, SIG_DFL);
  }
  return 0;
}
