/*
 * A program that is moved while it runs, and uses what CPUID shows: vector routines of libc chosen at
 * start, an AVX2 path of its own, functions bound at their first call (after the move), registers saved
 * by XSAVE into memory of the size that CPUID told, threads, and a signal handler that is on the stack
 * during the move.
 *
 *   migrant FOLDER      writes FOLDER/ready once it can be moved, goes on when FOLDER/go is there, and
 *                       says in FOLDER/result what came out: "ok", or what is wrong
 *   migrant --cpuid     prints what CPUID shows, as a child of the former after the move
 *   migrant FOLDER again   the same twice: waits for FOLDER/go2 after FOLDER/result
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <fcntl.h>
#include <immintrin.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[512];
static atomic_int go, in_handler, steps[3];
static atomic_int failures;
static char complaint[4][160];

static int file_is_there(const char *name) {
  char path[600];
  strcpy(path, folder);
  strcat(path, "/");
  strcat(path, name);
  return access(path, F_OK) == 0;
}

static void write_file(const char *name, const char *text) {
  char path[600], beside[610];
  strcpy(path, folder);
  strcat(path, "/");
  strcat(path, name);
  strcpy(beside, path);
  strcat(beside, ".tmp");
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (write(fd, text, strlen(text)) < 0) abort();
  close(fd);
  rename(beside, path);
}

static void complain(int who, const char *what) {
  atomic_fetch_add(&failures, 1);
  strncpy(complaint[who], what, sizeof complaint[who] - 1);
}

static void nap(long milliseconds) {
  struct timespec t = {0, milliseconds * 1000000L};
  nanosleep(&t, NULL);
}

/* The features that a program would choose a path by: leaf 1 ECX, leaf 7 EBX and ECX, 0xD.1 EAX. */
static void see(char *text, size_t size) {
  unsigned a = 0, b = 0, c = 0, d = 0, b7 = 0, c7 = 0, a13 = 0, b13 = 0, top = __get_cpuid_max(0, NULL);
  __cpuid(1, a, b, c, d);
  unsigned c1 = c;
  if (top >= 7) {
    __cpuid_count(7, 0, a, b, c, d);
    b7 = b, c7 = c;
  }
  if (top >= 13) {
    __cpuid_count(13, 0, a, b, c, d);
    b13 = b;
    __cpuid_count(13, 1, a, b, c, d);
    a13 = a;
  }
  snprintf(text, size, "1.ecx=%08x 7.ebx=%08x 7.ecx=%08x d1.eax=%08x d.ebx=%u", c1 & ~0x08000000u, b7,
           c7 & ~0x10u, a13, b13);
}

static int has_avx, has_avx2;

/* Sums squares of 0..n-1, eight at a time. */
__attribute__((target("avx2"))) static uint64_t sum_avx2(uint32_t n) {
  __m256i sum = _mm256_setzero_si256();
  for (uint32_t i = 0; i < n; i += 4) {
    __m256i v = _mm256_set_epi64x(i + 3, i + 2, i + 1, i);
    sum = _mm256_add_epi64(sum, _mm256_mul_epu32(v, v));
  }
  uint64_t part[4];
  _mm256_storeu_si256((__m256i *)part, sum);
  return part[0] + part[1] + part[2] + part[3];
}

static uint64_t sum_plain(uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += (uint64_t)i * i;
  return sum;
}

static void *compute(void *unused) {
  (void)unused;
  const uint32_t n = 4096;
  const uint64_t right = (uint64_t)(n - 1) * n * (2 * n - 1) / 6;
  int after = 0;
  while (after < 50) {
    uint64_t sum = has_avx2 ? sum_avx2(n) : sum_plain(n);
    if (sum != right) complain(0, "the sum is wrong");
    if (atomic_load(&go)) after++;
    atomic_fetch_add(&steps[0], 1);
  }
  return NULL;
}

/* libc's routines at sizes that take their different paths. */
static void *strings(void *unused) {
  (void)unused;
  static char a[70000], b[70000];
  int after = 0;
  for (unsigned round = 1; after < 50; round++) {
    size_t size = 1 + (round * 2654435761u) % 66000;
    memset(a, 'x', size);
    a[size] = 0;
    a[size / 2] = 'y';
    memcpy(b, a, size + 1);
    if (strlen(b) != size || strcmp(a, b) != 0 || memchr(b, 'y', size) != b + size / 2 ||
        strchr(b, 'y') != b + size / 2 || memcmp(a, b, size) != 0)
      complain(1, "libc's string routines give something else");
    if (atomic_load(&go)) after++;
    atomic_fetch_add(&steps[1], 1);
    nap(2);
  }
  return NULL;
}

static void stay(int signal) {
  (void)signal;
  atomic_store(&in_handler, 1);
  while (!atomic_load(&go)) nap(5);
}

/* Registers that hold values while the handler runs must hold them after it. */
__attribute__((target("avx"), noinline)) static int kept_avx(void) {
  uint64_t in[4] = {0x1111, 0x2222, 0x3333, 0x4444}, out[4];
  long number = SYS_tgkill, process = getpid(), thread = gettid();
  __asm__ volatile("vmovdqu (%1), %%ymm7; syscall; vmovdqu %%ymm7, (%2)"
                   : "+a"(number)
                   : "r"(in), "r"(out), "D"(process), "S"(thread), "d"((long)SIGUSR1)
                   : "rcx", "r11", "xmm7", "memory");
  return memcmp(in, out, sizeof in) == 0;
}

__attribute__((noinline)) static int kept_sse(void) {
  uint64_t in[2] = {0x1111, 0x2222}, out[2];
  long number = SYS_tgkill, process = getpid(), thread = gettid();
  __asm__ volatile("movdqu (%1), %%xmm7; syscall; movdqu %%xmm7, (%2)"
                   : "+a"(number)
                   : "r"(in), "r"(out), "D"(process), "S"(thread), "d"((long)SIGUSR1)
                   : "rcx", "r11", "xmm7", "memory");
  return memcmp(in, out, sizeof in) == 0;
}

static void *interrupted(void *unused) {
  (void)unused;
  if (!(has_avx ? kept_avx() : kept_sse()))
    complain(2, "a vector register changed while a signal handler ran");
  atomic_fetch_add(&steps[2], 1);
  return NULL;
}

/* First calls of functions of libc: each goes through the dynamic linker, which saves registers. */
__attribute__((noinline)) static int bind_late(void) {
  volatile uint64_t frame[64];
  for (int i = 0; i < 64; i++) frame[i] = 0x5a5a5a5a00000000u + (uint64_t)i;
  char text[] = "3.5 17 zebra";
  char *end;
  double d = strtod(text, &end);
  long l = strtol(end, &end, 10);
  int right = d == 3.5 && l == 17 && strpbrk(end, "z") != NULL && strspn(end, " ") == 1 &&
              strcspn(end, "z") == 1 && strcasecmp(end, " ZEBRA") == 0 && abs(atoi("-7")) == 7;
  for (int i = 0; i < 64; i++)
    if (frame[i] != 0x5a5a5a5a00000000u + (uint64_t)i) right = 0;
  return right;
}

/* As libraries for coroutines and just-in-time compilers do: all state, into what CPUID said suffices. */
static uint8_t *area, *behind;
static size_t area_bytes;
enum { GUARD_BYTES = 12288 };

static void make_area(void) {
  unsigned a, b, c, d;
  __cpuid(1, a, b, c, d);
  if (!(c & bit_OSXSAVE)) return;
  __cpuid_count(13, 0, a, b, c, d);
  area_bytes = b;
  area = aligned_alloc(64, (area_bytes + GUARD_BYTES + 63) & ~63ul);
  behind = area + area_bytes;
  memset(area, 0, area_bytes);
  memset(behind, 0x5a, GUARD_BYTES);
}

__attribute__((noinline)) static int save_registers(void) {
  if (area == NULL) return 1;
  __asm__ volatile("xsave (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
  for (int i = 0; i < GUARD_BYTES; i++)
    if (behind[i] != 0x5a) return 0;
  return 1;
}

static void see_in_child(char *text, size_t size) {
  int pipes[2];
  if (pipe(pipes) != 0) abort();
  pid_t child = fork();
  if (child == 0) {
    dup2(pipes[1], 1);
    close(pipes[0]);
    execl("/proc/self/exe", "migrant", "--cpuid", NULL);
    _exit(126);
  }
  close(pipes[1]);
  ssize_t n = read(pipes[0], text, size - 1);
  text[n > 0 ? n : 0] = 0;
  close(pipes[0]);
  int status;
  waitpid(child, &status, 0);
  if (status != 0) snprintf(text, size, "the child ended with %x", (unsigned)status);
}

static void report(const char *name, const char *before) {
  char now[200], child[200], text[1400];
  see(now, sizeof now);
  see_in_child(child, sizeof child);
  snprintf(text, sizeof text, "%s\nbefore %s\nnow    %s\nchild  %s\n",
           atomic_load(&failures) == 0 ? "ok" : "wrong", before, now, child);
  for (int i = 0; i < 4; i++)
    if (complaint[i][0]) {
      strcat(text, complaint[i]);
      strcat(text, "\n");
    }
  write_file(name, text);
}

int main(int argc, char **argv) {
  char seen[200];
  see(seen, sizeof seen);
  if (argc < 2) return 2;
  if (strcmp(argv[1], "--cpuid") == 0) return puts(seen) < 0;
  strncpy(folder, argv[1], sizeof folder - 1);
  has_avx = __builtin_cpu_supports("avx") != 0;
  has_avx2 = __builtin_cpu_supports("avx2") != 0;
  make_area();
  signal(SIGUSR1, stay);
  pthread_t threads[3];
  void *(*const bodies[3])(void *) = {compute, strings, interrupted};
  const int count = argc > 3 && strcmp(argv[3], "calm") == 0 ? 2 : 3;
  if (count == 2) atomic_store(&in_handler, 1);
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, bodies[i], NULL);
  while (!atomic_load(&in_handler) || atomic_load(&steps[0]) < 3 || atomic_load(&steps[1]) < 3) nap(5);
  write_file("ready", "");
  while (!file_is_there("go")) nap(5);
  atomic_store(&go, 1);
  if (!bind_late()) complain(2, "lazy binding damaged the frame or its arguments");
  if (!save_registers()) complain(3, "XSAVE wrote beyond its buffer");
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  report("result", seen);
  if (argc > 2) {
    while (!file_is_there("go2")) nap(5);
    report("result2", seen);
  }
  return atomic_load(&failures) == 0 ? 0 : 1;
}
