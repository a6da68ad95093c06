/* Prints which variant of each function glibc picked: "memmove __memmove_avx_unaligned_erms". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>

struct variant {
  const char *name;
  void *address;
  bool usable;
};

int main(void) {
  size_t (*list)(const char *, struct variant *, size_t) =
      (size_t(*)(const char *, struct variant *, size_t))dlsym(RTLD_DEFAULT, "__libc_ifunc_impl_list");
  if (list == NULL) return 3;
  const char *names[] = {"memmove", "memset", "strlen", "strchr", "strcmp", "memcmp", "strcpy"};
  for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
    struct variant variants[64];
    void *picked = dlsym(RTLD_DEFAULT, names[at]);
    size_t count = list(names[at], variants, 64);
    for (size_t i = 0; i < count; i++)
      if (variants[i].address == picked) printf("%s %s\n", names[at], variants[i].name);
  }
  return 0;
}
