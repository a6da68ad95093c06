/*
 * exec_attack COUNT SEED PROGRAM ARGUMENT...: executes PROGRAM so often in a child, which a sibling of the
 * child's attacks meanwhile: it puts code of its own where a supervisor makes calls in a new program's
 * name, the system call instructions of the vDSO. The program exits with 0 if it sees what it shall; it
 * may die of the attack. It may not see anything else, and others may not be held up.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "check.h"

/* Milliseconds. An emulated CPU is slow. */
#ifdef STAND_IN
#define PATIENCE 30
#else
#define PATIENCE 300
#endif

static uint64_t state;
static uint32_t chance(uint32_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 33) % below;
}

/*
 * What the supervisor asks for, arch_prctl(ARCH_SET_CPUID, 0), becomes something else with the same number;
 * under the stand-in it is prctl(PR_SET_KEEPCAPS, 1).
 */
#ifdef STAND_IN
#define NUMBER 157
#define OPTION 8, 0
#define UNDONE 0
#define OLD_NUMBER 172, 0
#else
#define NUMBER 158
#define OPTION 0x12, 0x10
#define UNDONE 1
#define OLD_NUMBER 0x80, 1
#endif
static const unsigned char kEnable[] = {0xbe, UNDONE, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe};        /* esi = 1; syscall */
static const unsigned char kNothing[] = {0x31, 0xc0, 0xeb, 0xfe};                              /* eax = 0 */
static const unsigned char kOldCall[] = {0xcd, 0x80, 0x90, 0x90};                              /* int 0x80: another call there */
static const unsigned char kOldEnable[] = {0xb8, OLD_NUMBER, 0, 0, 0xbb, OPTION, 0, 0,         /* the same of 32-bit code */
                                           0xb9, UNDONE, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xfe};
static const unsigned char kAfter[] = {0x0f, 0x05, 0xb8, NUMBER, 0, 0, 0, 0xbf, OPTION, 0, 0,  /* as asked, then undone */
                                       0xbe, UNDONE, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe};
static const unsigned char kJump[] = {0xeb, 0x20};                                             /* to kEnable, 0x22 further on */
static const unsigned char kHonest[] = {0x0f, 0x05};

static const struct {
  const unsigned char* code;
  size_t size;
} kAttacks[] = {
    {kEnable, sizeof kEnable}, {kNothing, sizeof kNothing},     {kOldCall, sizeof kOldCall},
    {kOldEnable, sizeof kOldEnable}, {kAfter, sizeof kAfter},   {kJump, sizeof kJump},
};
#define ATTACKS (sizeof kAttacks / sizeof *kAttacks)

/* Where the vDSO of a process lies; 0: not to be found. */
static off_t vdso_of(pid_t pid) {
  char name[64], text[8192];
  snprintf(name, sizeof name, "/proc/%d/maps", pid);
  const int file = open(name, O_RDONLY);
  if (file < 0) return 0;
  size_t length = 0;
  for (ssize_t got; (got = read(file, text + length, sizeof text - 1 - length)) > 0;) length += (size_t)got;
  close(file);
  text[length] = 0;
  char* line = strstr(text, "[vdso]");
  while (line != NULL && line > text && line[-1] != '\n') line--;
  return line == NULL ? 0 : (off_t)strtoull(line, NULL, 16);
}

static off_t places[16];
static int placeCount;
/* Those of our own: all processes of a kind have the same. */
static void find_places(void) {
  const off_t vdso = vdso_of(getpid());
  if (vdso == 0) _exit(NOT_HERE);
  const unsigned char* bytes = (const unsigned char*)vdso;
  for (int at = 0; at < 8000 && placeCount < 16; at++)
    if (bytes[at] == 0x0f && bytes[at + 1] == 0x05) places[placeCount++] = at;
  if (placeCount == 0) _exit(NOT_HERE);
  /* Newer kernels let only a tracer write where the program itself may not (proc_mem.force_override). */
  const int memory = open("/proc/self/mem", O_RDWR);
  const ssize_t wrote = memory < 0 ? -1 : pwrite(memory, bytes + places[0], 2, vdso + places[0]);
  close(memory);
  if (wrote != 2) _exit(NOT_HERE);
}

static volatile pid_t target;
static volatile int ended;
static volatile uint32_t attack;
static unsigned long writes, killed;

static int64_t milliseconds(void) {
  struct timespec now;
  /* Not by the vDSO: a child of vfork shares ours, which is poisoned with it. */
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Writes as long as there is somebody to write to. With `kHonest` in turn some calls go well. */
static void* poison(void* nothing) {
  pid_t before = 0;
  for (int64_t since = 0; !ended;) {
    const pid_t pid = target;
    if (pid != before) since = milliseconds();
    before = pid;
    if (pid == 0) {
      sched_yield();
      continue;
    }
    /* Code that makes no call lets it run for ever, in its own time. */
    if (milliseconds() - since > PATIENCE) {
      kill(pid, SIGKILL);
      killed++;
      target = 0;
      continue;
    }
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/mem", pid);
    const int memory = open(name, O_RDWR);
    const off_t vdso = memory < 0 ? 0 : vdso_of(pid);
    const uint32_t which = attack % ATTACKS;
    for (int turn = 0; vdso != 0 && turn < 4 && pid == target; turn++)
      for (int i = 0; i < placeCount; i++) {
        const int honest = (attack >> 8 & 1) && turn % 2 == 1;
        const unsigned char* code = honest ? kHonest : kAttacks[which].code;
        const size_t size = honest ? sizeof kHonest : kAttacks[which].size;
        if (pwrite(memory, code, size, vdso + places[i]) == (ssize_t)size) writes++;
        if (kAttacks[which].code == kJump) pwrite(memory, kEnable, sizeof kEnable, vdso + places[i] + 0x22);
      }
    if (memory >= 0) close(memory);
  }
  return nothing;
}

/* It shares our memory, or has its own, until it executes the program. */
static pid_t start(char** argv, int shares) {
  if (!shares) {
    const pid_t child = fork();
    if (child == 0) {
      execv(argv[0], argv);
      _exit(127);
    }
    target = child;
    return child;
  }
  /* vfork returns when it is too late; the child tells its number. */
  const pid_t child = vfork();
  if (child == 0) {
    target = (pid_t)syscall(SYS_getpid);
    execv(argv[0], argv);
    _exit(127);
  }
  return child;
}

int main(int argc, char** argv) {
  REQUIRE(argc > 3);
  const long count = atol(argv[1]);
  const uint64_t seed = strtoull(argv[2], NULL, 10);
  state = seed * 0x9e3779b97f4a7c15u | 1;
  dprintf(1, "seed %llu\n", (unsigned long long)seed);
  find_places();
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, poison, NULL) == 0);
  long died = 0;
  for (long i = 0; i < count; i++) {
    attack = chance(1 << 16);
    const pid_t child = start(argv + 3, chance(2));
    REQUIRE(child > 0);
    int status = -1;
    REQUIRE_EQUAL(waitpid(child, &status, 0), child);
    target = 0;
    if (WIFSIGNALED(status))
      died++;
    else if (status != 0)
      fail(__FILE__, __LINE__, "exec %ld of seed %llu, attack %#x: wait status %#x", i, (unsigned long long)seed, attack,
           (unsigned)status);
    if (i % 16 == 0) REQUIRE_SIGHT("the attacker");
  }
  ended = 1;
  REQUIRE(pthread_join(thread, NULL) == 0);
  dprintf(1, "%ld executed, %ld died, %lu of them of patience, %lu writes\n", count, died, killed, writes);
  /* An attack that comes too late each time is none. */
  REQUIRE(writes > 0);
  return 0;
}
