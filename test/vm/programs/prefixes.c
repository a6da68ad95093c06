/* CPUID behind prefixes that it ignores, up to the 15 bytes that an instruction may have. */
#include <sys/mman.h>

#include "signals.h"

static const struct {
  const char* name;
  unsigned char bytes[16];
  int count;
} kPrefixes[] = {
    {"none", {0}, 0},
    {"operand size", {0x66}, 1},
    {"address size", {0x67}, 1},
    {"repne", {0xf2}, 1},
    {"rep", {0xf3}, 1},
    {"es", {0x26}, 1},
    {"cs", {0x2e}, 1},
    {"ss", {0x36}, 1},
    {"ds", {0x3e}, 1},
    {"fs", {0x64}, 1},
    {"gs", {0x65}, 1},
    {"several", {0x66, 0x67, 0xf2, 0x2e}, 4},
    {"twice", {0x66, 0x66}, 2},
    {"15 bytes", {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66}, 13},
#ifdef __x86_64__
    {"rex", {0x40}, 1},
    {"rex.w", {0x48}, 1},
    {"rex.wrxb", {0x4f}, 1},
    {"operand size, rex.w", {0x66, 0x48}, 2},
    {"rep, rex", {0xf3, 0x41}, 2},
    {"rex that is none, before a prefix", {0x48, 0x66}, 2},
#endif
};

static unsigned char* page;
static unsigned char* at;

/* push bx; mov leaf, ax; mov 0, cx; CPUID; store; pop; ret */
static void emit(const unsigned char* bytes, int count) {
  memcpy(at, bytes, (size_t)count);
  at += count;
}
#define EMIT(...)                                  \
  do {                                             \
    const unsigned char emitted[] = {__VA_ARGS__}; \
    emit(emitted, (int)sizeof emitted);            \
  } while (0)

static uint32_t run(const unsigned char* prefix, int count, uint32_t leaf, int wantsEbx) {
  at = page;
  EMIT(0x53);                                                            /* push rbx */
  EMIT(0xb8, (unsigned char)leaf, 0, 0, 0);                              /* mov eax, leaf */
  EMIT(0x31, 0xc9);                                                      /* xor ecx, ecx */
  emit(prefix, count);
  EMIT(CPUID_BYTES);                                                     /* cpuid */
  if (wantsEbx)
    EMIT(0x89, 0xd8);                                                    /* mov eax, ebx */
  else
    EMIT(0x89, 0xc8);                                                    /* mov eax, ecx */
  EMIT(0x5b, 0xc3);                                                      /* pop rbx; ret */
  return ((uint32_t(*)(void))(uintptr_t)page)();
}

int main(void) {
  page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  const uint32_t leaf1 = cpuid(1, 0).ecx, leaf7 = cpuid(7, 0).ebx;
  for (size_t i = 0; i < sizeof kPrefixes / sizeof *kPrefixes; i++) {
    const uint32_t ecx = run(kPrefixes[i].bytes, kPrefixes[i].count, 1, 0);
    const uint32_t ebx = run(kPrefixes[i].bytes, kPrefixes[i].count, 7, 1);
    if (ecx != leaf1 || ebx != leaf7)
      fail(__FILE__, __LINE__, "%s: %#x, %#x", kPrefixes[i].name, ecx, ebx);
  }
  REQUIRE_SIGHT("main");
  /* One byte more than an instruction may have: a fault, and not CPUID. */
  const pid_t child = fork();
  if (child == 0) {
    unsigned char many[14];
    memset(many, 0x66, sizeof many);
    run(many, sizeof many, 1, 0);
    _exit(0);
  }
  REQUIRE_KILLED(child, SIGSEGV);
  return 0;
}
