/*
 * CPUID in code that is made at run time, and CPUID's two bytes where they are something else: an
 * immediate, numbers among code. The former is answered, the latter stays as it is.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "check.h"

/* mov $0x0fa20fa2, %eax: as it is compiled. */
__attribute__((noinline)) static uint32_t immediate(void) {
  uint32_t value;
  __asm__ volatile(".byte 0xb8, 0xa2, 0x0f, 0xa2, 0x0f" : "=a"(value));
  return value;
}

/* Numbers in the section of the code, of no function; among them what would be CPUID. */
__asm__(
    ".text\n.balign 4096\n.skip 64, 0\n"
    "numbers:\n.byte 0x0f, 0xa2, 0x0f, 0xa2, 0xc3, 0x0f, 0xa2, 0x66\n"
    ".skip 4096 - 72, 0\n"
    /* Without a size, and nobody knows of it but who calls it. */
    ".balign 4096\n"
    "unknown_code:\n"
    "push %rbx\nmov %edi, %eax\nxor %ecx, %ecx\ncpuid\n"
    "test %esi, %esi\nmov %ecx, %eax\ncmovne %ebx, %eax\npop %rbx\nret\n"
    ".balign 4096\n");
extern const unsigned char numbers[8];
extern uint32_t unknown_code(uint32_t leaf, int wantsEbx);

typedef uint32_t (*function)(uint32_t leaf, int wantsEbx);

static const unsigned char kBefore[] = {0x53, 0x89, 0xf8, 0x31, 0xc9};
static const unsigned char kBehind[] = {0x85, 0xf6, 0x89, 0xc8, 0x0f, 0x45, 0xc3, 0x5b, 0xc3};

static size_t emit(unsigned char* at, const unsigned char* prefix, size_t count) {
  unsigned char* const start = at;
  memcpy(at, kBefore, sizeof kBefore);
  at += sizeof kBefore;
  if (count > 0) memcpy(at, prefix, count);
  at += count;
  *at++ = 0x0f;
  *at++ = 0xa2;
  memcpy(at, kBehind, sizeof kBehind);
  return (size_t)(at + sizeof kBehind - start);
}

static void require_mask(const char* what, uintptr_t code) {
  const function call = (function)code;
  const enum sight seen = sight_of(call(1, 0), call(7, 1));
  if (seen != expected) fail(__FILE__, __LINE__, "%s: sees %d, not %d", what, seen, expected);
}

static unsigned char* make(size_t bytes, int protection) {
  unsigned char* const room =
      mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(room != MAP_FAILED);
  return room;
}

static void* look_in_thread(void* code) {
  require_mask("a thread", (uintptr_t)code);
  return NULL;
}

int main(void) {
  REQUIRE_EQUAL(immediate(), 0x0fa20fa2);
  static const unsigned char shall[] = {0x0f, 0xa2, 0x0f, 0xa2, 0xc3, 0x0f, 0xa2, 0x66};
  REQUIRE(memcmp(numbers, shall, sizeof shall) == 0);
  require_mask("code of no function", (uintptr_t)unknown_code);
  REQUIRE(memcmp(numbers, shall, sizeof shall) == 0);

  /* Written, then executable; over and over. */
  static const unsigned char prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x40, 0x48, 0x66,
                                           0x66, 0x66, 0x66, 0x66, 0x66};
  unsigned char* page = make(4096, PROT_READ | PROT_WRITE);
  for (size_t count = 0; count <= sizeof prefixes; count++) {
    REQUIRE_EQUAL(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
    emit(page, prefixes + sizeof prefixes - count, count);
    REQUIRE_EQUAL(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
    require_mask("written, then executable", (uintptr_t)page);
  }
  /* Two functions on a page, of which the second isn't reached from the first. */
  REQUIRE_EQUAL(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
  const size_t first = emit(page, NULL, 0);
  memset(page + first, 0xff, 64);
  emit(page + first + 64, NULL, 0);
  REQUIRE_EQUAL(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
  require_mask("the first of two", (uintptr_t)page);
  require_mask("the second of two", (uintptr_t)page + first + 64);
  require_mask("the first of two, again", (uintptr_t)page);

  /* Across the end of a page. */
  unsigned char* two = make(8192, PROT_READ | PROT_WRITE);
  unsigned char* across = two + 4096 - sizeof kBefore - 1;
  emit(across, NULL, 0);
  REQUIRE_EQUAL(mprotect(two, 8192, PROT_READ | PROT_EXEC), 0);
  require_mask("across the end of a page", (uintptr_t)across);

  /* An immediate of code that is made. */
  REQUIRE_EQUAL(mprotect(two, 8192, PROT_READ | PROT_WRITE), 0);
  static const unsigned char number[] = {0xb8, 0x0f, 0xa2, 0x0f, 0xa2, 0xc3};
  memcpy(two, number, sizeof number);
  REQUIRE_EQUAL(mprotect(two, 8192, PROT_READ | PROT_EXEC), 0);
  REQUIRE_EQUAL(((function)(uintptr_t)two)(0, 0), 0xa20fa20f);
  REQUIRE(memcmp(two, number, sizeof number) == 0);

  /* Executable before it is written: at its first execution. */
  unsigned char* open = make(16 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  emit(open + 3 * 4096, NULL, 0);
  require_mask("writable and executable", (uintptr_t)open + 3 * 4096);

  /* Moved. */
  unsigned char* moved = mremap(across - (4096 - sizeof kBefore - 1), 8192, 8192,
                                MREMAP_MAYMOVE | MREMAP_FIXED, make(8192, PROT_NONE));
  REQUIRE(moved != MAP_FAILED);
  moved = mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, make(4096, PROT_NONE));
  REQUIRE(moved != MAP_FAILED);
  require_mask("moved", (uintptr_t)moved);

  pthread_t thread;
  REQUIRE_EQUAL(pthread_create(&thread, NULL, look_in_thread, moved), 0);
  REQUIRE_EQUAL(pthread_join(thread, NULL), 0);
  const pid_t child = fork();
  if (child == 0) {
    require_mask("a child", (uintptr_t)moved);
    require_mask("a child, at code of no function", (uintptr_t)unknown_code);
    _exit(0);
  }
  REQUIRE_EXIT(child, 0);

  /* What isn't executable stays so. */
  const pid_t faulty = fork();
  if (faulty == 0) {
    unsigned char* data = make(4096, PROT_READ | PROT_WRITE);
    data[0] = 0xc3;
    ((function)(uintptr_t)data)(0, 0);
    _exit(0);
  }
  REQUIRE_KILLED(faulty, SIGSEGV);
  REQUIRE_SIGHT("main");
  return 0;
}
