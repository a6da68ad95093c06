/*
 * gate_race thread|main: a thread lets the system call instructions of the vDSO change all the time, while
 * another thread ("thread") or the first one ("main") makes calls that a supervisor makes anew in its
 * name. Whoever is led to another call so must not go on. Exit status 0: nothing came of it.
 */
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "signals.h"

enum { PAGE = 4096, PLACES = 64 };

static uint16_t* places[PLACES];
static int count;

static void* change(void* nothing) {
  (void)nothing;
  for (;;)
    for (int i = 0; i < count; i++) {
      *(volatile uint16_t*)places[i] = 0x80cd; /* int 0x80 */
      *(volatile uint16_t*)places[i] = 0x050f; /* syscall */
    }
  return NULL;
}

static void* set_actions(void* nothing) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_IGN;
  for (int i = 0; i < 20000; i++) REQUIRE(sigaction(SIGSEGV, &action, NULL) == 0);
  return nothing;
}

/* In the vDSO's place, the same from a file that can be written elsewhere; it goes only as a whole. */
static void replace_vdso(void) {
  char* const vdso = (char*)getauxval(AT_SYSINFO_EHDR);
  const int file = memfd_create("vdso", 0);
  REQUIRE(vdso != NULL && file >= 0);
  size_t bytes = 0;
  do {
    REQUIRE(write(file, vdso + bytes, PAGE) == PAGE);
    bytes += PAGE;
  } while (mmap(vdso, bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, file, 0) != vdso);
  char* const written = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(written != MAP_FAILED);
  for (size_t at = 0; at + 1 < bytes && count < PLACES; at++)
    if (memcmp(written + at, "\x0f\x05", 2) == 0) places[count++] = (uint16_t*)(written + at);
  REQUIRE(count > 0);
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2);
  replace_vdso();
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, change, NULL) == 0);
  if (strcmp(argv[1], "main") == 0) {
    set_actions(NULL);
  } else {
    REQUIRE(pthread_create(&thread, NULL, set_actions, NULL) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
  }
  return 0;
}
