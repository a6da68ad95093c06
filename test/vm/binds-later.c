/*
 * Calls a function for the first time when the file named by the argument appears: glibc binds it then,
 * and saves the vector registers on the stack, into as much room as CPUID had told at the start. Says
 * whether the caller's own variables above have been written over: "waiting", then "whole" or "damaged".
 * With "thread" behind it, another thread does.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char* text) {
  if (write(1, text, strlen(text)) < 0) _exit(3);
}

static __attribute__((noinline)) int is_whole_after_binding(void) {
  volatile unsigned char guard[1024];
  for (unsigned place = 0; place < sizeof guard; place++) guard[place] = 0xa5;
  /* Nothing has called it before. */
  if (strtol("12", NULL, 10) != 12) return 0;
  for (unsigned place = 0; place < sizeof guard; place++)
    if (guard[place] != 0xa5) return 0;
  return 1;
}

static void* wait_and_bind(void* file) {
  say("waiting\n");
  while (access(file, F_OK) != 0) usleep(100000);
  say(is_whole_after_binding() ? "whole\n" : "damaged\n");
  return NULL;
}

int main(int count, char** arguments) {
  if (count < 2) return 2;
  pthread_t thread;
  if (count < 3 || strcmp(arguments[2], "thread") != 0) {
    wait_and_bind(arguments[1]);
  } else if (pthread_create(&thread, NULL, wait_and_bind, arguments[1]) != 0 ||
             pthread_join(thread, NULL) != 0) {
    return 1;
  }
  return 0;
}
