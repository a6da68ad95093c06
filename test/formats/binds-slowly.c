/*
 * As a library (-DLIBRARY): a function whose place is asked for when it is bound; the answer waits for a
 * byte. As a program: calls it for the first time. Says "binding" and "bound", and waits after each, so that
 * somebody can look at its stack.
 */
#include <unistd.h>

int slow(void);

static void say_and_wait(const char* text, int length) {
  char byte;
  if (write(1, text, length) != length || read(0, &byte, 1) != 1) _exit(3);
}

#ifdef LIBRARY
static int found(void) { return 0; }
static int (*find(void))(void) {
  say_and_wait("binding\n", 8);
  return found;
}
int slow(void) __attribute__((ifunc("find")));
#else
int main(void) {
  const int result = slow();
  say_and_wait("bound\n", 6);
  return result;
}
#endif
