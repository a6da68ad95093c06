/*
 * A task has a page that is there only when somebody fills it, which nobody does (userfaultfd, or a file
 * of a FUSE server that doesn't answer), and uses it where a supervisor of CPUID may want to look. It
 * waits itself; whoever has nothing to do with it doesn't.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>

#include "signals.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#define ARCH_REQ_XCOMP_PERM 0x1023
#define ARCH_GET_XCOMP_PERM 0x1022
#define MOST_MILLISECONDS 1000
#define ROUND_MILLISECONDS 1500

static unsigned char* page;

static int milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int)(now.tv_sec % 100000 * 1000 + now.tv_nsec / 1000000);
}

static unsigned char* map(int file) {
  const int flags = MAP_PRIVATE | (file < 0 ? MAP_ANONYMOUS : 0);
  return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, flags, file, 0);
}

/* Faults of the kernel in our name as well as our own, which takes a privilege. */
static int hold_by_userfaultfd(void) {
  const int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  if (descriptor < 0) return 0;
  struct uffdio_api api = {.api = UFFD_API};
  if (ioctl(descriptor, UFFDIO_API, &api) != 0) return 0;
  page = map(-1);
  struct uffdio_register range = {.range = {.start = (uintptr_t)page, .len = 4096},
                                  .mode = UFFDIO_REGISTER_MODE_MISSING};
  return page != MAP_FAILED && ioctl(descriptor, UFFDIO_REGISTER, &range) == 0;
}

/* ---- a FUSE file system of one file, as long as a page, that is never read (linux/fuse.h) ---- */
struct request {
  uint32_t length, opcode;
  uint64_t unique, node;
  uint32_t uid, gid, pid, padding;
  unsigned char rest[8192];
};
enum { LOOKUP = 1, GETATTR = 3, OPEN = 14, READ = 15, INIT = 26, ACCESS = 34, FLUSH = 25, RELEASE = 18 };
struct attributes {
  uint64_t node, size, blocks, atime, mtime, ctime;
  uint32_t nanoseconds[3], mode, links, uid, gid, rdev, blockSize, flags;
};

static void reply(int server, uint64_t unique, int error, const void* body, size_t size) {
  struct {
    uint32_t length;
    int32_t error;
    uint64_t unique;
    unsigned char body[256];
  } answer = {.length = (uint32_t)(16 + size), .error = -error, .unique = unique};
  if (size > 0) memcpy(answer.body, body, size);
  if (write(server, &answer, answer.length) < 0) return;
}

static void serve(int server) {
  static struct request request;
  while (read(server, &request, sizeof request) > 0) {
    const int isFile = request.node == 2 || request.opcode == LOOKUP;
    const struct attributes attributes = {.node = isFile ? 2 : 1, .size = isFile ? 4096 : 0,
                                          .mode = isFile ? S_IFREG | 0777 : S_IFDIR | 0755, .links = 1,
                                          .blockSize = 4096};
    struct {
      uint64_t node, generation, entryValid, attributesValid;
      uint32_t nanoseconds[2];
      struct attributes attributes;
    } entry = {.node = 2, .attributes = attributes};
    struct {
      uint64_t valid;
      uint32_t nanoseconds, padding;
      struct attributes attributes;
    } got = {.attributes = attributes};
    const uint64_t handle[2] = {0, 0};
    const uint32_t version[6] = {7, 31, 0, 0, 0, 4096};
    switch (request.opcode) {
      case INIT: reply(server, request.unique, 0, version, 24); break;
      case LOOKUP: reply(server, request.unique, 0, &entry, sizeof entry); break;
      case GETATTR: reply(server, request.unique, 0, &got, sizeof got); break;
      case OPEN: reply(server, request.unique, 0, handle, sizeof handle); break;
      case ACCESS: case FLUSH: case RELEASE: reply(server, request.unique, 0, NULL, 0); break;
      case READ: break;
      default: reply(server, request.unique, ENOSYS, NULL, 0);
    }
  }
  _exit(0);
}

static pid_t mount_silent(const char* folder) {
  const int file = open("/dev/fuse", O_RDWR);
  if (file < 0) return 0;
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", file);
  if (mount("silent", folder, "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
    close(file);
    return 0;
  }
  const pid_t server = fork();
  if (server == 0) serve(file);
  close(file);
  return server;
}
static int hold_by_fuse(int file) {
  page = map(file);
  return page != MAP_FAILED;
}

/* ---- what a task does with the page ---- */
static void mask_signals(void) { syscall(SYS_rt_sigprocmask, SIG_BLOCK, page, NULL, 8); }
static void set_action(void) { syscall(SYS_rt_sigaction, SIGSEGV, page, NULL, 8); }
static void get_action(void) { syscall(SYS_rt_sigaction, SIGSEGV, NULL, page, 8); }
static void clone_by_page(void) {
  if (syscall(SYS_clone3, page, 88) == 0) _exit(0);
}
#ifdef __x86_64__
static void ask_permission(void) { syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, page); }
static void return_from_signal(void) { __asm__ volatile("mov %0, %%rsp\n\tsyscall" : : "r"(page), "a"(15)); }
#else
static void ask_permission(void) { syscall(384, ARCH_GET_XCOMP_PERM, page); }
static void return_from_signal(void) { __asm__ volatile("mov %0, %%esp\n\tint $0x80" : : "r"(page), "a"(173)); }
#endif
static void execute_page(void) { execl((char*)page, "x", NULL); }
static void execute_with_page(void) { execl("/proc/self/exe", (char*)page, NULL); }
static void run_page(void) { ((void (*)(void))(uintptr_t)page)(); }
static void stack_on_page(void) {
#ifdef __x86_64__
  __asm__ volatile("lea 2048(%0), %%rsp\n\t" CPUID : : "r"(page), "a"(1), "c"(0) : "rbx", "rdx");
#else
  __asm__ volatile("lea 2048(%0), %%esp\n\t" CPUID : : "S"(page), "a"(1), "c"(0) : "edx");
#endif
  _exit(0);
}

/* CPUID lies there whenever it is fetched, and is gone when somebody looks. */
static volatile int ended;
static void* fill(void* descriptor) {
  static unsigned char content[4096] __attribute__((aligned(4096)));
  const unsigned char code[] = {CPUID_BYTES, 0xc3};
  memcpy(content, code, sizeof code);
  struct uffd_msg message;
  while (!ended) {
    /* One fault is served, the one behind it isn't, for a while. */
    if (read(*(int*)descriptor, &message, sizeof message) <= 0) continue;
    struct uffdio_copy copy = {.dst = (uintptr_t)page, .src = (uintptr_t)content, .len = 4096};
    ioctl(*(int*)descriptor, UFFDIO_COPY, &copy);
    usleep(20);
    madvise(page, 4096, MADV_DONTNEED);
    usleep(200000);
  }
  return NULL;
}
static void run_vanishing_code(void) {
  static int descriptor;
  descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  struct uffdio_api api = {.api = UFFD_API};
  if (descriptor < 0 || ioctl(descriptor, UFFDIO_API, &api) != 0) _exit(0);
  page = map(-1);
  struct uffdio_register range = {.range = {.start = (uintptr_t)page, .len = 4096},
                                  .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (ioctl(descriptor, UFFDIO_REGISTER, &range) != 0) _exit(0);
  pthread_t thread;
  pthread_create(&thread, NULL, fill, &descriptor);
  for (;;) {
#ifdef __x86_64__
    __asm__ volatile("call *%0" : : "r"(page), "a"(1), "c"(0) : "rbx", "rdx", "memory");
#else
    __asm__ volatile("call *%0" : : "S"(page), "a"(1), "c"(0) : "ebx", "edx", "memory");
#endif
  }
}

static const struct {
  const char* name;
  void (*use)(void);
} kUses[] = {
    {"sigprocmask", mask_signals}, {"sigaction, new", set_action},      {"sigaction, old", get_action},
    {"clone3", clone_by_page},     {"arch_prctl", ask_permission},      {"sigreturn", return_from_signal},
    {"exec of its name", execute_page}, {"exec with it as argument", execute_with_page},
    {"code", run_page},            {"CPUID with its stack there", stack_on_page},
    {"CPUID that vanishes", run_vanishing_code},
};
#define USES (sizeof kUses / sizeof *kUses)

/* Another at work meanwhile: how long its slowest CPUID took, or that it hasn't come back from one. */
static int longest_look(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t bystander = fork();
  if (bystander == 0) {
    int longest = 0;
    for (const int start = milliseconds(); milliseconds() - start < ROUND_MILLISECONDS; usleep(1000)) {
      const int before = milliseconds();
      REQUIRE_SIGHT("a bystander");
      const int took = milliseconds() - before;
      if (took > longest) longest = took;
    }
    _exit(write(ends[1], &longest, sizeof longest) != sizeof longest);
  }
  struct pollfd end = {ends[0], POLLIN, 0};
  int longest = 2 * ROUND_MILLISECONDS;
  if (poll(&end, 1, 2 * ROUND_MILLISECONDS) == 1) REQUIRE_EQUAL(read(ends[0], &longest, sizeof longest), sizeof longest);
  kill(bystander, SIGKILL);
  close(ends[0]);
  close(ends[1]);
  return longest;
}

static int wait_for_death(pid_t child) {
  int status = -1;
  const int start = milliseconds();
  kill(child, SIGKILL);
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (milliseconds() - start > 3 * MOST_MILLISECONDS) break;
    usleep(2000);
  }
  return milliseconds() - start;
}

enum result { GOOD, BAD, UNTRIED };

/* Uses from `first` to before `last` at once. */
static enum result try_uses(size_t first, size_t last, const char* folder) {
  const pid_t server = folder != NULL ? mount_silent(folder) : 0;
  if (folder != NULL && server == 0) return UNTRIED;
  int file = -1;
  if (folder != NULL) {
    char name[128];
    snprintf(name, sizeof name, "%s/page", folder);
    /* Here, once: another opening would wait for the page as well. */
    file = open(name, O_RDWR);
    REQUIRE(file >= 0);
  }
  pid_t children[USES];
  int held = 0, ends[2];
  REQUIRE(pipe(ends) == 0);
  for (size_t which = first; which < last; which++) {
    children[which] = fork();
    if (children[which] != 0) continue;
    if (folder == NULL ? !hold_by_userfaultfd() : !hold_by_fuse(file)) _exit(1);
    if (write(ends[1], "", 1) != 1) _exit(1);
    close(ends[1]);
    kUses[which].use();
    _exit(0);
  }
  close(ends[1]);
  close(file);
  for (char byte; read(ends[0], &byte, 1) == 1 && held + first < last;) held++;
  close(ends[0]);
  const int longest = held > 0 ? longest_look() : 0;
  /* Who waits for a FUSE server can't die before it. */
  if (server != 0) {
    umount2(folder, MNT_DETACH);
    wait_for_death(server);
  }
  int death = 0;
  for (size_t which = first; which < last; which++) {
    const int took = wait_for_death(children[which]);
    if (took > death) death = took;
  }
  if (held == 0) return UNTRIED;
  if (longest < MOST_MILLISECONDS && death < MOST_MILLISECONDS) return GOOD;
  dprintf(2, "%s%s, %s: a bystander's CPUID took %d ms, a task's death %d ms\n", kUses[first].name,
          first + 1 < last ? " and others" : "", folder == NULL ? "userfaultfd" : "FUSE", longest, death);
  return BAD;
}

int main(void) {
  char folder[] = "/tmp/cpugate-silent-XXXXXX";
  REQUIRE(mkdtemp(folder) != NULL);
  /* What is mounted there is gone when we are. */
  if (unshare(CLONE_NEWNS) == 0) REQUIRE(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  const char* const ways[] = {NULL, folder};
  int bad = 0, tried = 0;
  for (int i = 0; i < 2; i++) {
    const enum result all = try_uses(0, USES, ways[i]);
    tried += all != UNTRIED;
    bad += all == BAD;
    for (size_t which = 0; which < USES && all == BAD; which++) try_uses(which, which + 1, ways[i]);
  }
  rmdir(folder);
  REQUIRE_SIGHT("main");
  if (tried == 0) return NOT_HERE;
  dprintf(1, "%s", tried == 1 ? "one of userfaultfd and FUSE isn't there for us\n" : "");
  return bad != 0;
}
