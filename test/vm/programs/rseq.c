/*
 * rseq SECONDS: restartable sequences (rseq(2)), one after the other, for so long or until SIGTERM.
 * Whatever stops the thread in a sequence, it may not go on in the middle as if nothing had been: it ends
 * at the abort address, or nothing has happened to it. Prints "ready" when it begins.
 */
#include <time.h>

#include "check.h"

#ifndef SYS_rseq
#define SYS_rseq 334
#endif
#define SIGNATURE 0x53053053

/* As the kernel has it (include/uapi/linux/rseq.h). */
struct area {
  uint32_t cpuStart, cpu;
  uint64_t sequence;
  uint32_t rest[4];
} __attribute__((aligned(32)));

/* glibc's, from 2.35 on; elsewhere we have our own. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));
static __thread struct area own;

static struct area* find_area(void) {
  if (&__rseq_size != NULL && __rseq_size != 0) {
    char* thread;
    __asm__("mov %%fs:0, %0" : "=r"(thread));
    return (struct area*)(thread + __rseq_offset);
  }
  if (syscall(SYS_rseq, &own, sizeof own, 0, SIGNATURE) != 0) _exit(NOT_HERE);
  return &own;
}

enum outcome { COMMITTED, ABORTED, TORN };

/*
 * Counts to `rounds` in a sequence. Its last instruction asks whether the kernel still knows of it: it
 * forgets a sequence when it finds the thread elsewhere.
 */
static enum outcome count(struct area* area, uint64_t rounds) {
  uint64_t known = 0;
  int aborted = 0;
  __asm__ volatile(
      ".pushsection .data.rseq_cs, \"aw\"\n\t"
      ".balign 32\n"
      "3: .long 0, 0\n\t"
      ".quad 1f, 2f - 1f, 4f\n\t"
      ".popsection\n\t"
      "lea 3b(%%rip), %%rax\n\t"
      "mov %%rax, %[pointer]\n"
      "1:\n\t"
      "dec %[rounds]\n\t"
      "jnz 1b\n\t"
      "mov %[pointer], %[known]\n"
      "2:\n\t"
      "jmp 5f\n\t"
      /* ud1 with the signature before the abort address, as the kernel wants it. */
      ".byte 0x0f, 0xb9, 0x3d\n\t"
      ".long %c[signature]\n"
      "4:\n\t"
      "movl $1, %[aborted]\n"
      "5:"
      : [rounds] "+r"(rounds), [known] "+r"(known), [aborted] "+r"(aborted), [pointer] "+m"(area->sequence)
      : [signature] "i"(SIGNATURE)
      : "rax", "memory", "cc");
  area->sequence = 0;
  return aborted ? ABORTED : known != 0 ? COMMITTED : TORN;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static volatile sig_atomic_t ended;
static void end(int signal) {
  (void)signal;
  ended = 1;
}

int main(int argc, char** argv) {
  struct area* area = find_area();
  int outcomes[3] = {0, 0, 0};
  const double limit = argc > 1 ? atof(argv[1]) : 0.5;
  signal(SIGTERM, end);
  REQUIRE(write(1, "ready\n", 6) == 6);
  const double start = seconds();
  /* Long enough that a stop from outside falls into one nearly always, short enough to end between two ticks. */
  while (!ended && seconds() - start < limit) outcomes[count(area, 500000)]++;
  dprintf(1, "%d committed, %d aborted, %d torn\n", outcomes[COMMITTED], outcomes[ABORTED], outcomes[TORN]);
  REQUIRE(outcomes[COMMITTED] > 0);
  REQUIRE_EQUAL(outcomes[TORN], 0);
  return 0;
}
