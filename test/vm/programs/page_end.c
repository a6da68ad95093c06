/* CPUID where nothing follows, across two pages, in a page that may only be executed, and made. */
#include <fcntl.h>
#include <sys/mman.h>

#include "check.h"

/* mov eax, 7; xor ecx, ecx; push bx; CPUID in its last two bytes; the rest is at `rest`. */
static const unsigned char kHead[] = {0xb8, 7, 0, 0, 0, 0x31, 0xc9, CPUID_BYTES};
/* xchg eax, ebx; mov ebx, edi is left to the wrapper. */
static const unsigned char kTail[] = {0x93, 0xc3};

static uint32_t call(const unsigned char* code) {
  uint32_t result;
#ifdef __x86_64__
  __asm__ volatile("call *%1" : "=a"(result) : "r"(code) : "rbx", "rcx", "rdx", "memory");
#else
  __asm__ volatile("push %%ebx\n\tcall *%1\n\tpop %%ebx"
                   : "=a"(result) : "S"(code) : "ecx", "edx", "memory");
#endif
  return result;
}

static unsigned char* map(size_t bytes) {
  unsigned char* at =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(at != MAP_FAILED);
  return at;
}

static void write_code(unsigned char* at) {
  memcpy(at, kHead, sizeof kHead);
  memcpy(at + sizeof kHead, kTail, sizeof kTail);
}

#ifdef __x86_64__
/* What follows CPUID isn't mapped: the fetch after it faults, and a handler goes on elsewhere. */
#include <setjmp.h>
#include <ucontext.h>
static sigjmp_buf back;
static void* faulted;
static uint32_t atFault;
static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal;
  faulted = info->si_addr;
  atFault = (uint32_t)((ucontext_t*)context)->uc_mcontext.gregs[REG_RBX];
  siglongjmp(back, 1);
}
static void nothing_follows(uint32_t shall) {
  unsigned char* pages = map(8192);
  memcpy(pages + 4096 - sizeof kHead, kHead, sizeof kHead);
  REQUIRE(munmap(pages + 4096, 4096) == 0);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  REQUIRE(sigaction(SIGSEGV, &action, NULL) == 0);
  if (sigsetjmp(back, 1) == 0) call(pages + 4096 - sizeof kHead);
  REQUIRE(faulted == pages + 4096);
  REQUIRE_EQUAL(atFault, shall);
  signal(SIGSEGV, SIG_DFL);
}
#endif

int main(void) {
  REQUIRE_SIGHT("main");
  const uint32_t shall = cpuid(7, 0).ebx;
  unsigned char* pages = map(8192);
  write_code(pages + 4096 - sizeof kHead);
  REQUIRE_EQUAL(call(pages + 4096 - sizeof kHead), shall);
  write_code(pages + 4096 - sizeof kHead + 1);
  REQUIRE_EQUAL(call(pages + 4096 - sizeof kHead + 1), shall);
#ifdef __x86_64__
  nothing_follows(shall);
#endif
  /* Where the CPU has protection keys, not even readable. */
  write_code(pages);
  REQUIRE(mprotect(pages, 4096, PROT_EXEC) == 0);
  REQUIRE_EQUAL(call(pages), shall);

  /* Made by a JIT in the way of those that keep one mapping writable and another executable. */
  const int file = memfd_create("code", MFD_CLOEXEC);
  REQUIRE(file >= 0 && ftruncate(file, 4096) == 0);
  unsigned char* writable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  unsigned char* executable = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
  REQUIRE(writable != MAP_FAILED && executable != MAP_FAILED);
  for (int offset = 0; offset < 64; offset += 16) {
    write_code(writable + offset);
    REQUIRE_EQUAL(call(executable + offset), shall);
  }
  return 0;
}
