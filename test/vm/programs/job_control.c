/* Stopped and continued by signals, told by waitpid as ever, while the task is busy with CPUID. */
#include "signals.h"

static void require_stopped(pid_t child, int signal) {
  int status = -1;
  REQUIRE_EQUAL(waitpid(child, &status, WUNTRACED), child);
  if (!WIFSTOPPED(status) || WSTOPSIG(status) != signal)
    fail(__FILE__, __LINE__, "wait status %#x, not stopped by %d", (unsigned)status, signal);
}

static void require_continued(pid_t child) {
  int status = -1;
  REQUIRE_EQUAL(waitpid(child, &status, WCONTINUED), child);
  if (!WIFCONTINUED(status)) fail(__FILE__, __LINE__, "wait status %#x, not continued", (unsigned)status);
}

static volatile uint32_t* counter;
#include <sys/mman.h>

int main(void) {
  counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const int signals[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  const pid_t child = fork();
  if (child == 0) {
    REQUIRE(setpgid(0, 0) == 0);
    for (;;) {
      REQUIRE_SIGHT("the child");
      (*counter)++;
    }
  }
  setpgid(child, child);
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 4; i++) {
      REQUIRE(kill(child, signals[i]) == 0);
      require_stopped(child, signals[i]);
      const uint32_t before = *counter;
      usleep(50000);
      REQUIRE_EQUAL(*counter, before);
      REQUIRE(kill(child, SIGCONT) == 0);
      require_continued(child);
      for (int tries = 0; *counter == before && tries < 2000; tries++) usleep(5000);
      REQUIRE(*counter != before);
    }
  /* A handled SIGTSTP stops nothing; one that stops itself, as shells' children do. */
  const pid_t own = fork();
  if (own == 0) {
    for (int i = 0; i < 3; i++) {
      raise(SIGSTOP);
      REQUIRE_SIGHT("after its own stop");
    }
    _exit(6);
  }
  for (int i = 0; i < 3; i++) {
    /* Its next stop may overtake the word of its continuation. */
    require_stopped(own, SIGSTOP);
    REQUIRE(kill(own, SIGCONT) == 0);
  }
  REQUIRE_EXIT(own, 6);
  /* Killed while stopped. */
  REQUIRE(kill(child, SIGSTOP) == 0);
  require_stopped(child, SIGSTOP);
  REQUIRE(kill(child, SIGKILL) == 0);
  REQUIRE_KILLED(child, SIGKILL);
  return 0;
}
