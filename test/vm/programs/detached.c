/*
 * Says its number, and waits until somebody lets it go: then it sees the CPU, in each of its threads, by the
 * code that it was compiled with. Who keeps its mask has to end it.
 */
#include <pthread.h>
#include <time.h>

#include "check.h"

enum { TRIES = 3000 };

static void* wait_until_bare(void* unused) {
  (void)unused;
  const struct timespec moment = {0, 10000000};
  for (int i = 0; i < TRIES; i++) {
    const enum sight sight = look();
    /* Let go between two questions, it has seen both. */
    if (sight == BARE) return NULL;
    nanosleep(&moment, NULL);
  }
  fail(__FILE__, __LINE__, "nobody has let it go");
}

/* CPUID and a return, as they are compiled. */
__asm__(".text\n.globl own_code\nown_code:\n.byte 0x0f, 0xa2\nret\n");
extern const unsigned char own_code[3];

int main(void) {
  REQUIRE_SIGHT("before");
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) REQUIRE_EQUAL(pthread_create(&threads[i], NULL, wait_until_bare, NULL), 0);
  printf("ready %d\n", getpid());
  fflush(stdout);
  for (int i = 0; i < 4; i++) REQUIRE_EQUAL(pthread_join(threads[i], NULL), 0);
  wait_until_bare(NULL);
  /* No byte of this program's code is another than in its file. */
  REQUIRE(own_code[0] == 0x0f && own_code[1] == 0xa2);
  const unsigned char* look_code = (const unsigned char*)(uintptr_t)&wait_until_bare;
  int found = 0;
  for (int i = 0; i < 512; i++) found += look_code[i] == 0x0f && look_code[i + 1] == 0x32;
  REQUIRE_EQUAL(found, 0);
  return 0;
}
