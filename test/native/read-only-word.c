/*
 * Holds a word in memory that it has made read-only, as glibc does with what it keeps of CPUID: prints its
 * address, stops itself, and says what the word is when it is continued.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>

int main(void) {
  unsigned long* word =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (word == MAP_FAILED) return 1;
  word[0] = 896;
  word[1] = 7;
  if (mprotect(word, 4096, PROT_READ) != 0) return 1;
  /* Where only ancestors may trace (kernel.yama.ptrace_scope=1). */
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  printf("%lx\n", (unsigned long)word);
  fflush(stdout);
  raise(SIGSTOP);
  printf("%lu %lu\n", word[0], word[1]);
  return 0;
}
