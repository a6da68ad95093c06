/*
 * observe run FILE      a tree of threads and processes that look all the time, into FILE
 * observe rush FILE     the same without a pause between two looks, forks or execs
 * observe once FILE     what its children exec
 * observe check FILE S  waits until every one has looked anew; then all see S ("bare", "masked") for
 *                       a while. Exit status 0: so it was.
 * observe until FILE S  the same, of those that come to see S only after a moment
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "check.h"

enum { MAIN, THREAD, SLEEPER, READER, CHILD, FORKED, EXECED, SLOTS };
static const char* const kNames[] = {"main", "thread", "sleeper", "reader", "child", "forked", "execed"};

struct slot {
  volatile uint32_t looks;
  volatile uint32_t seen[3];
  /* What went wrong beside: a call's result and errno. */
  volatile int broken, result, error;
};
static struct slot* slots;
static useconds_t pause_microseconds = 20000;

static void open_slots(const char* name) {
  const int file = open(name, O_RDWR | O_CREAT, 0666);
  REQUIRE(file >= 0 && ftruncate(file, 4096) == 0);
  slots = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(slots != MAP_FAILED);
  close(file);
}

static void note(int slot) {
  enum sight sight = look();
  /* Two CPUIDs, and the mask came or went between them. */
  if (sight == MIXED) sight = look();
  slots[slot].seen[sight]++;
  slots[slot].looks++;
}

static void note_broken(int slot, int result, int error) {
  slots[slot].result = result;
  slots[slot].error = error;
  slots[slot].broken++;
}

static void* look_always(void* nothing) {
  (void)nothing;
  for (;;) {
    note(THREAD);
    usleep(pause_microseconds);
  }
  return NULL;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void* sleep_always(void* nothing) {
  (void)nothing;
  for (;;) {
    const struct timespec time = {0, 60000000};
    const double start = now();
    /* Nothing that holds us may cut a sleep short. */
    const int result = nanosleep(&time, NULL);
    if (result != 0 || now() - start < 0.059) note_broken(SLEEPER, result, errno);
    note(SLEEPER);
  }
  return NULL;
}

static int ends[2];
static void* read_always(void* nothing) {
  (void)nothing;
  for (unsigned char shall = 0;; shall++) {
    unsigned char got;
    const int result = (int)read(ends[0], &got, 1);
    if (result != 1 || got != shall) note_broken(READER, result, errno);
    if (result == 1) shall = got;
    note(READER);
  }
  return NULL;
}

static void breed(char* self, char* file) {
  REQUIRE(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
  for (;;) {
    note(CHILD);
    pid_t child = fork();
    if (child == 0) {
      note(FORKED);
      _exit(0);
    }
    REQUIRE_EXIT(child, 0);
    child = vfork();
    if (child == 0) {
      execl(self, self, "once", file, NULL);
      _exit(1);
    }
    REQUIRE_EXIT(child, 0);
    usleep(pause_microseconds);
  }
}

static void run(char* self, char* file) {
  pthread_t thread;
  memset((void*)slots, 0, SLOTS * sizeof *slots);
  REQUIRE(pipe(ends) == 0);
  if (fork() == 0) breed(self, file);
  REQUIRE(pthread_create(&thread, NULL, look_always, NULL) == 0);
  REQUIRE(pthread_create(&thread, NULL, sleep_always, NULL) == 0);
  REQUIRE(pthread_create(&thread, NULL, read_always, NULL) == 0);
  for (unsigned char count = 0;; count++) {
    note(MAIN);
    usleep(pause_microseconds);
    REQUIRE_EQUAL(write(ends[1], &count, 1), 1);
  }
}

/* All have looked twice since, so once in whole. */
static int wait_for_looks(void) {
  uint32_t before[SLOTS];
  for (int i = 0; i < SLOTS; i++) before[i] = slots[i].looks;
  for (int i = 0; i < SLOTS; i++)
    for (int tries = 0; slots[i].looks - before[i] < 3; tries++) {
      if (tries == 3000) {
        dprintf(2, "%s doesn't look any more (%u looks)\n", kNames[i], slots[i].looks);
        return 0;
      }
      usleep(10000);
    }
  return 1;
}

static int all_see(enum sight sight) {
  uint32_t others[SLOTS];
  if (!wait_for_looks()) return 0;
  for (int i = 0; i < SLOTS; i++) others[i] = slots[i].seen[1 - sight] + slots[i].seen[MIXED];
  if (!wait_for_looks()) return 0;
  for (int i = 0; i < SLOTS; i++)
    if (slots[i].seen[1 - sight] + slots[i].seen[MIXED] != others[i]) {
      dprintf(2, "%s: bare %u, masked %u, mixed %u\n", kNames[i], slots[i].seen[0], slots[i].seen[1],
              slots[i].seen[2]);
      return 0;
    }
  return 1;
}

int main(int argc, char** argv) {
  REQUIRE(argc > 2);
  open_slots(argv[2]);
  if (strcmp(argv[1], "rush") == 0) pause_microseconds = 0;
  if (strcmp(argv[1], "run") == 0 || strcmp(argv[1], "rush") == 0) run(argv[0], argv[2]);
  if (strcmp(argv[1], "once") == 0) {
    note(EXECED);
    return 0;
  }
  REQUIRE(argc > 3);
  const enum sight sight = strcmp(argv[3], "masked") == 0 ? MASKED : BARE;
  const int patient = strcmp(argv[1], "until") == 0;
  for (int tries = 0; !all_see(sight); tries++)
    if (!patient || tries == 20) return 1;
  for (int i = 0; i < SLOTS; i++)
    if (slots[i].broken != 0 || slots[i].seen[MIXED] != 0)
      fail(__FILE__, __LINE__, "%s: %u mixed, %d broken, result %d, errno %d", kNames[i],
           slots[i].seen[MIXED], slots[i].broken, slots[i].result, slots[i].error);
  return 0;
}
