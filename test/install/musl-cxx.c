/* What Debian's libstdc++.a, which is built for glibc, asks for and musl doesn't have: with this it
   can be linked into a libstdc++.so.6 for a program of another distribution that is built for musl. */
char __libc_single_threaded;
unsigned arc4random(void) { return 4; }
/* Not found; no C++ exception is thrown in the test. */
int _dl_find_object(void *address, void *result) {
  (void)address;
  (void)result;
  return -1;
}
__attribute__((visibility("hidden"))) void *__dso_handle = &__dso_handle;
