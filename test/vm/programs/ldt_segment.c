/*
 * Code segments of a local descriptor table, which don't begin at 0, 32- and 16-bit: faults there reach
 * the program's handler, and CPUID is CPUID. At the address that is the instruction pointer's without
 * its segment lies other code.
 */
#include <asm/ldt.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "signals.h"

#define HLT 0xf4
/* Offset in the segment: more than mmap_min_addr, so that something can lie there. */
#define OFFSET 0x100000u
#define BYTES 0x10000u

#ifdef __x86_64__
#define OWN_CODE 0x33
#define IP REG_RIP
#define FLAT_STORE 0x36 /* ss: in compatibility mode the other segments are empty */
#else
#define OWN_CODE 0x23
#define IP REG_EIP
#define FLAT_STORE 0x36
#endif

static unsigned char* code;
static unsigned char* decoy;
static unsigned char* stack;
static int selector;

static struct {
  int signal, code, segment;
  uint64_t at;
  void* address;
} last;
static int faultBytes;

static void handler(int signal, siginfo_t* info, void* context) {
  ucontext_t* c = context;
  last.signal = signal;
  last.code = info->si_code;
  last.address = info->si_addr;
  last.at = (uint64_t)c->uc_mcontext.gregs[IP];
#ifdef __x86_64__
  last.segment = (int)(c->uc_mcontext.gregs[REG_CSGSFS] & 0xffff);
#else
  last.segment = c->uc_mcontext.gregs[REG_CS] & 0xffff;
#endif
  c->uc_mcontext.gregs[IP] += faultBytes;
}

/* Far, from here to OFFSET of the segment and back; on a stack that 32-bit code can use. */
static struct answer enter(uint32_t leaf, uint32_t subleaf) {
  struct answer* out = (struct answer*)(stack + BYTES - 64);
  const uint32_t target[2] = {OFFSET, (uint32_t)selector};
  const uint32_t* place = target;
#ifdef __x86_64__
  __asm__ volatile(
      "mov $1f, %%esi\n\t"
      "mov %%rsp, %%r12\n\t"
      "lea -256(%%rdi), %%rsp\n\t"
      "ljmp *(%[target])\n"
      "1:\n\t"
      "mov %%r12, %%rsp"
      : "+a"(leaf), "+c"(subleaf)
      : "D"(out), [target] "r"(place)
      : "rbx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
#else
  /* The stack is good as it is; esi is where to come back to. */
  __asm__ volatile(
      "push %%ebx\n\tpush %%ebp\n\t"
      "mov $1f, %%esi\n\t"
      "ljmp *(%[target])\n"
      "1:\n\t"
      "pop %%ebp\n\tpop %%ebx"
      : "+a"(leaf), "+c"(subleaf), [target] "+d"(place)
      : "D"(out)
      : "esi", "memory", "cc");
#endif
  return *out;
}

static unsigned char* at;
static void emit(const unsigned char* bytes, size_t count) {
  memcpy(at, bytes, count);
  at += count;
}
#define EMIT(...)                                  \
  do {                                             \
    const unsigned char emitted[] = {__VA_ARGS__}; \
    emit(emitted, sizeof emitted);                 \
  } while (0)
/* In 16-bit code, operands and addresses of 32 bits have prefixes. */
#define WIDE(...)                     \
  do {                                \
    if (is16) EMIT(0x66, 0x67);       \
    EMIT(FLAT_STORE, __VA_ARGS__);    \
  } while (0)

/* `what`, then registers to where edi points, then back by a far return of 32 bits to `OWN_CODE`:esi. */
static void write_code(int is16, const unsigned char* what, size_t count) {
  at = code;
  emit(what, count);
  WIDE(0x89, 0x07);        /* mov ss:[edi], eax */
  WIDE(0x89, 0x5f, 0x04);  /* mov ss:[edi+4], ebx */
  WIDE(0x89, 0x4f, 0x08);  /* mov ss:[edi+8], ecx */
  WIDE(0x89, 0x57, 0x0c);  /* mov ss:[edi+12], edx */
  if (is16) EMIT(0x66);
  EMIT(0x6a, OWN_CODE);    /* push OWN_CODE */
  if (is16) EMIT(0x66);
  EMIT(0x56);              /* push esi */
  if (is16) EMIT(0x66);
  EMIT(0xcb);              /* retf */
}

static void set_decoy(const unsigned char* bytes, size_t count) {
  memset(decoy, HLT, 64);
  memcpy(decoy, bytes, count);
}

static const unsigned char kCpuid[] = {CPUID_BYTES};
static const unsigned char kHlt[] = {HLT};

static void make_segment(int is16) {
  const struct user_desc descriptor = {
      .entry_number = 5,
      .base_addr = (uint32_t)(uintptr_t)code - OFFSET,
      .limit = 0xfffff,
      .seg_32bit = !is16,
      .contents = MODIFY_LDT_CONTENTS_CODE,
      .read_exec_only = 0,
      .limit_in_pages = 1,
      .useable = 1,
  };
  if (syscall(SYS_modify_ldt, 1, &descriptor, sizeof descriptor) != 0 && errno == ENOSYS) _exit(NOT_HERE);
  selector = 5 << 3 | 7;
}

static void one_segment(int is16, const char* who) {
  make_segment(is16);
  for (int i = 0; i < 3; i++) {
    write_code(is16, kCpuid, sizeof kCpuid);
    set_decoy(kHlt, sizeof kHlt);
    const struct answer one = enter(1, 0), seven = enter(7, 0);
    const enum sight sight = sight_of(one.ecx, seven.ebx);
    if (sight != expected)
      fail(__FILE__, __LINE__, "%s, %d bits: sees %s", who, is16 ? 16 : 32,
           sight == BARE ? "the CPU" : sight == MASKED ? "a mask" : "neither CPU nor mask");
    REQUIRE_EQUAL(seven.edx, cpuid(7, 0).edx);

    /* A fault that looks alike from outside, where CPUID seems to be. */
    handle(SIGSEGV, handler, 0);
    write_code(is16, kHlt, sizeof kHlt);
    set_decoy(kCpuid, sizeof kCpuid);
    memset(&last, 0, sizeof last);
    faultBytes = 1;
    REQUIRE_EQUAL(enter(0x1234, 0x567).eax, 0x1234);
    REQUIRE_EQUAL(last.signal, SIGSEGV);
    REQUIRE_EQUAL(last.code, SI_KERNEL);
    REQUIRE_EQUAL(last.segment, selector);
    REQUIRE_EQUAL(last.at, OFFSET);

    /* mov ss:[0x40], eax */
    static const unsigned char k16[] = {0x66, 0x67, 0x36, 0xa3, 0x40, 0, 0, 0};
    const int skipped = is16 ? 0 : 2;
    write_code(is16, k16 + skipped, sizeof k16 - skipped);
    memset(&last, 0, sizeof last);
    faultBytes = (int)sizeof k16 - skipped;
    REQUIRE_EQUAL(enter(0x4321, 0x567).ecx, 0x567);
    REQUIRE_EQUAL(last.signal, SIGSEGV);
    REQUIRE_EQUAL(last.code, SEGV_MAPERR);
    REQUIRE(last.address == (void*)0x40);
    REQUIRE_EQUAL(last.at, OFFSET);
    require_handled(SIGSEGV, handler, 0);

    handle(SIGILL, handler, 0);
    static const unsigned char kUd2[] = {0x0f, 0x0b};
    write_code(is16, kUd2, sizeof kUd2);
    faultBytes = 2;
    memset(&last, 0, sizeof last);
    REQUIRE_EQUAL(enter(5, 6).eax, 5);
    REQUIRE_EQUAL(last.signal, SIGILL);
    REQUIRE_EQUAL(last.segment, selector);
  }
}

static unsigned char* map(void* place) {
  const int fixed = place == NULL ? MAP_32BIT : MAP_FIXED_NOREPLACE;
  return mmap(place, BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);
}

/* Whether this kernel lets a program run in such a segment at all: some end it with SIGKILL. */
static int can_run_there(void) {
  const pid_t child = fork();
  if (child == 0) {
    static const unsigned char kNop[] = {0x90};
    for (int is16 = 0; is16 < 2; is16++) {
      make_segment(is16);
      write_code(is16, kNop, sizeof kNop);
      enter(1, 0);
    }
    _exit(0);
  }
  int status = -1;
  REQUIRE_EQUAL(waitpid(child, &status, 0), child);
  return status != SIGKILL;
}

int main(void) {
  code = map(NULL);
  stack = map(NULL);
  decoy = map((void*)(uintptr_t)OFFSET);
  REQUIRE(code != MAP_FAILED && stack != MAP_FAILED && decoy == (void*)(uintptr_t)OFFSET);
  if (!can_run_there()) return NOT_HERE;
  for (int undumpable = 0; undumpable < 2; undumpable++) {
    const pid_t child = fork();
    if (child == 0) {
      if (undumpable) REQUIRE(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
      for (int is16 = 0; is16 < 2; is16++) one_segment(is16, undumpable ? "undumpable" : "dumpable");
      REQUIRE_SIGHT("out of the segment");
      _exit(0);
    }
    int status = -1;
    REQUIRE_EQUAL(waitpid(child, &status, 0), child);
    if (status == NOT_HERE << 8) return NOT_HERE;
    if (status != 0) fail(__FILE__, __LINE__, "%s: wait status %#x", undumpable ? "undumpable" : "dumpable", (unsigned)status);
  }
  return 0;
}
