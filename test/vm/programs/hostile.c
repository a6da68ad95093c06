/*
 * hostile SUPERVISOR [FOLDER]: what a task may try to see the CPU, or to hurt or confuse who hides it. Each
 * attempt is a process of its own. It may fail, hang for its time, or die; it may not see the CPU,
 * and it may not take others with it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "signals.h"

#define ARCH_SET_CPUID 0x1012

static const char* supervisorFile;
/* Where its sockets are, if not where they are by default. */
static const char* runtimeFolder;
static pid_t supervisor;

static pid_t tracer(void) {
  char text[4096];
  const int file = open("/proc/self/status", O_RDONLY);
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  text[length > 0 ? length : 0] = 0;
  const char* line = strstr(text, "TracerPid:");
  return line == NULL ? 0 : atoi(line + 10);
}

static void look_twice(const char* when) {
  REQUIRE_SIGHT(when);
  REQUIRE_SIGHT(when);
}

static void trace_supervisor(void) {
  /* root may trace it, and then each waits for the other. */
  if (geteuid() == 0) return;
  REQUIRE_EQUAL(ptrace(PTRACE_SEIZE, supervisor, 0, 0), -1);
  char name[64], byte = 0;
  snprintf(name, sizeof name, "/proc/%d/mem", supervisor);
  REQUIRE_EQUAL(open(name, O_RDWR), -1);
  const struct iovec here = {&byte, 1}, there = {(void*)0x400000, 1};
  REQUIRE_EQUAL(process_vm_readv(supervisor, &here, 1, &there, 1, 0), -1);
  look_twice("after tracing the supervisor");
}

static void signal_supervisor(void) {
  const int signals[] = {SIGCHLD, SIGCONT, SIGWINCH, SIGURG};
  for (int round = 0; round < 20; round++)
    for (int i = 0; i < 4; i++) {
      kill(supervisor, signals[i]);
      REQUIRE_SIGHT("while the supervisor is signalled");
    }
  kill(supervisor, SIGSTOP);
  usleep(100000);
  kill(supervisor, SIGCONT);
  look_twice("after the supervisor was stopped");
}

/* Orders from a task that is itself held. */
static void command_supervisor(void) {
  const char* const orders[] = {"detach", "release"};
  char number[16];
  snprintf(number, sizeof number, "%d", getpid());
  for (int i = 0; i < 2; i++) {
    const pid_t child = fork();
    if (child == 0) {
      close(1);
      close(2);
      if (runtimeFolder == NULL)
        execl(supervisorFile, supervisorFile, "control", "--pid", number, orders[i], NULL);
      else
        execl(supervisorFile, supervisorFile, "control", "--pid", number, "--runtime-dir", runtimeFolder, orders[i], NULL);
      _exit(0);
    }
    int status = 0;
    REQUIRE_EQUAL(waitpid(child, &status, 0), child);
    if (status == 0) fail(__FILE__, __LINE__, "%s was obeyed", orders[i]);
    look_twice(orders[i]);
  }
}

/* Whatever sockets there are, spoken to out of turn. */
static void babble(void) {
  const char* const folders[] = {"/run/cpugate", "/run/user/65534/cpugate", "/tmp/cpugate-65534",
                                 runtimeFolder != NULL ? runtimeFolder : "/nowhere"};
  for (int i = 0; i < 4; i++) {
    DIR* folder = opendir(folders[i]);
    for (struct dirent* entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
      if (strstr(entry->d_name, ".sock") == NULL) continue;
      struct sockaddr_un address = {.sun_family = AF_UNIX};
      snprintf(address.sun_path, sizeof address.sun_path, "%.40s/%.60s", folders[i], entry->d_name);
      for (int kind = 0; kind < 3; kind++) {
        const int ends = socket(AF_UNIX, (int[]){SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM}[kind], 0);
        if (connect(ends, (struct sockaddr*)&address, sizeof address) == 0) {
          static char junk[65536];
          send(ends, junk, sizeof junk, MSG_NOSIGNAL | MSG_DONTWAIT);
          send(ends, "detach\n", 7, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        look_twice("after talk on its socket");
        /* Left open: a slow talker must not hold it up. */
      }
    }
    if (folder != NULL) closedir(folder);
  }
}

static void filter_to(uint32_t action, int all) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, all ? 0 : 0x1011, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const struct sock_fprog program = {.len = 6, .filter = filter};
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  const long flags = action == SECCOMP_RET_USER_NOTIF ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) >= 0) return;
  /* One listener is all that a process may have, and a supervisor may have taken that place. */
  REQUIRE(action == SECCOMP_RET_USER_NOTIF && errno == EBUSY);
}

/* A filter of ours that also traces: of two such, the later one's word is passed to the tracer. */
static void trace_filter(void) {
  const uint32_t words[] = {0, 0x1234, 0xffff};
  for (int i = 0; i < 3; i++) {
    filter_to(SECCOMP_RET_TRACE | words[i], 0);
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    look_twice("under a tracing filter");
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    look_twice("under a tracing filter");
  }
}

/* A filter that leaves arch_prctl to a listener who never answers; then the program execs. */
static void hung_filter(void) {
  filter_to(SECCOMP_RET_USER_NOTIF, 0);
  look_twice("under a listening filter");
  execl("/proc/self/exe", "hostile", "look", NULL);
  _exit(1);
}

static void logged_filter(void) {
  filter_to(SECCOMP_RET_LOG, 1);
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
  look_twice("under a logging filter");
}

/* The bytes at which the supervisor looks are changed by another thread meanwhile. */
static unsigned char* code;
static volatile int ended;
static sigjmp_buf back;
static void* flip(void* nothing) {
  while (!ended) {
    *(volatile uint16_t*)(code + 7) = 0x9090;
    *(volatile uint16_t*)(code + 7) = CPUID_WORD;
  }
  return nothing;
}
static void jump_back(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info, (void)context;
  siglongjmp(back, 1);
}
static void change_code(void) {
  static const unsigned char kCode[] = {0xb8, 7, 0, 0, 0, 0x31, 0xc9, CPUID_BYTES, 0x93, 0xc3};
  code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  /* Aligned: each store is whole. */
  memcpy(code += 1, kCode, sizeof kCode);
  handle(SIGSEGV, jump_back, SA_NODEFER);
  handle(SIGILL, jump_back, SA_NODEFER);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, flip, NULL) == 0);
  for (int i = 0; i < 150; i++) {
    if (sigsetjmp(back, 1) != 0) continue;
    uint32_t ebx = 0;
    __asm__ volatile("xor %%ebx, %%ebx\n\tcall *%1"
                     : "=a"(ebx) : "r"(code) : "rbx", "rcx", "rdx", "memory");
    if (ebx & HIDDEN_7_EBX) fail(__FILE__, __LINE__, "sees %#x", ebx);
  }
  ended = 1;
  REQUIRE(pthread_join(thread, NULL) == 0);
}

/* Stopped and continued as fast as can be while at CPUID and in exec. */
static void stop_flood(void) {
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 200; i++) REQUIRE_SIGHT("while stopped and continued");
    execl("/proc/self/exe", "hostile", "look", NULL);
    _exit(1);
  }
  for (int i = 0; i < 300; i++) {
    kill(child, i & 1 ? SIGCONT : SIGSTOP);
    if (i % 10 == 0) usleep(1000);
  }
  kill(child, SIGCONT);
  REQUIRE_EXIT(child, 0);
}

/* Out of files, processes and memory, as far as the supervisor shares its limits with us. */
static void limits(void) {
  const struct rlimit none = {3, 3};
  prlimit(supervisor, RLIMIT_NOFILE, &none, NULL);
  const struct rlimit time = {1, 1};
  if (geteuid() != 0) prlimit(supervisor, RLIMIT_FSIZE, &time, NULL);
  for (int i = 0; i < 3; i++) {
    const pid_t child = fork();
    if (child == 0) {
      look_twice("under a limit of the supervisor");
      execl("/proc/self/exe", "hostile", "look", NULL);
      _exit(1);
    }
    REQUIRE_EXIT(child, 0);
  }
}

/* The trap flag set by hand on the way into CPUID and an exec; SIGTRAP ignored, then blocked. */
static void trap_flag(void) {
  set_disposition(SIGTRAP, SIG_IGN);
  block(SIGTRAP);
  const pid_t child = fork();
  if (child == 0) {
    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t" CPUID : : "a"(7), "c"(0) : "rbx", "rdx", "memory");
    _exit(look() == BARE);
  }
  int status;
  REQUIRE_EQUAL(waitpid(child, &status, 0), child);
  REQUIRE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  look_twice("with SIGTRAP blocked");
  REQUIRE_EQUAL(is_blocked(SIGTRAP), 1);
  require_disposition(SIGTRAP, SIG_IGN);
}

static void* exec_at_once(void* unused) {
  (void)unused;
  execl("/proc/self/exe", "hostile", "look", NULL);
  return NULL;
}
/* Several threads exec at the same time, others fork. */
static void exec_race(void) {
  for (int i = 0; i < 10; i++) {
    const pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      for (int k = 0; k < 4; k++) pthread_create(&thread, NULL, exec_at_once, NULL);
      if (fork() == 0) exec_at_once(NULL);
      exec_at_once(NULL);
      _exit(1);
    }
    REQUIRE_EXIT(child, 0);
  }
}

static void undo_in_threads(void) {
  for (int i = 0; i < 50; i++) {
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    REQUIRE_SIGHT("after ARCH_SET_CPUID");
  }
}

static const struct {
  const char* name;
  void (*attempt)(void);
  int mayHang;
} kAttempts[] = {
    {"trace the supervisor", trace_supervisor, 0},
    {"signal the supervisor", signal_supervisor, 0},
    {"command the supervisor", command_supervisor, 0},
    {"babble on its sockets", babble, 0},
    {"ARCH_SET_CPUID", undo_in_threads, 0},
    {"filter that traces", trace_filter, 0},
    {"filter that listens", hung_filter, 1},
    {"filter that logs", logged_filter, 0},
    {"change code", change_code, 0},
    {"stop flood", stop_flood, 0},
    {"trap flag", trap_flag, 0},
    {"exec race", exec_race, 0},
    {"limits", limits, 0},
};

int main(int argc, char** argv) {
  REQUIRE(argc > 1);
  if (strcmp(argv[1], "look") == 0) {
    REQUIRE_SIGHT("a program");
    return 0;
  }
  supervisorFile = argv[1];
  if (argc > 2) runtimeFolder = argv[2];
  supervisor = tracer();
  REQUIRE_EQUAL(supervisor != 0, expected == MASKED);
  /* Without one there is nobody to be hostile to. */
  if (supervisor == 0) return NOT_HERE;
  int failed = 0;
  for (size_t i = 0; i < sizeof kAttempts / sizeof *kAttempts; i++) {
    const pid_t child = fork();
    if (child == 0) {
      kAttempts[i].attempt();
      _exit(0);
    }
    int status = -1;
    for (int tries = 0; tries < 1000; tries++) {
      if (waitpid(child, &status, WNOHANG) == child) break;
      if (tries % 100 == 0) REQUIRE_SIGHT("a bystander");
      if (tries == (kAttempts[i].mayHang ? 200 : 999)) {
        kill(child, SIGKILL);
        REQUIRE_EQUAL(waitpid(child, &status, 0), child);
        status = kAttempts[i].mayHang ? 0 : 0x7f00;
        break;
      }
      usleep(20000);
    }
    dprintf(1, "%s: %#x\n", kAttempts[i].name, (unsigned)status);
    if (status != 0) failed = 1;
  }
  REQUIRE_SIGHT("main");
  return failed;
}
