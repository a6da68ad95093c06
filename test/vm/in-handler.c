/*
 * Holds a value in the upper half of a vector register while a signal handler runs, and tells, when
 * the handler has returned, whether it is still there. Standard output: "waiting", then "kept" or
 * "lost". Arguments: a file whose appearance ends the handler; "none": no handler runs, and the
 * program counts instead.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char* go;
static volatile int returned;

static void say(const char* text) {
  if (write(1, text, strlen(text)) < 0) _exit(3);
}

static void on_signal(int number) {
  (void)number;
  say("waiting\n");
  while (access(go, F_OK) != 0) usleep(100000);
  returned = 1;
}

static void* sleep_forever(void* unused) {
  for (;;) sleep(1);
  return unused;
}

/* The register is written, the signal taken and the register read in one stretch of assembly. */
__attribute__((target("avx"))) static int keeps_register(void) {
  static const uint64_t pattern[4] = {1, 2, 0x1122334455667788, 0x99aabbccddeeff00};
  uint64_t after[4] = {0};
  pid_t self = getpid();
  __asm__ volatile(
      "vmovdqu %[pattern], %%ymm8\n"
      "syscall\n"
      "vmovdqu %%ymm8, %[after]\n"
      : [after] "=m"(after)
      : [pattern] "m"(pattern), "a"(62L /* kill */), "D"((long)self), "S"((long)SIGUSR1)
      : "rcx", "r11", "memory", "xmm8");
  while (!returned) usleep(1000);
  return memcmp(pattern, after, sizeof after) == 0;
}

int main(int count, char** arguments) {
  pthread_t thread;
  if (count < 2) return 2;
  go = arguments[1];
  pthread_create(&thread, NULL, sleep_forever, NULL);
  if (strcmp(go, "none") == 0) {
    say("waiting\n");
    for (unsigned turn = 0;; turn++) {
      printf("%u\n", turn);
      fflush(stdout);
      sleep(1);
    }
  }
  signal(SIGUSR1, on_signal);
  say(keeps_register() ? "kept\n" : "lost\n");
  return 0;
}
