/* Every way into a new program, for each program named: argv[1..] are run without arguments. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>

#include "check.h"

extern char** environ;

static void by_fork(const char* path, char* const argv[]) {
  const pid_t child = fork();
  if (child == 0) {
    execve(path, argv, environ);
    _exit(99);
  }
  REQUIRE_EXIT(child, 0);
}

static void by_vfork(const char* path, char* const argv[]) {
  const pid_t child = vfork();
  if (child == 0) {
    if (look() != expected) _exit(98);
    execve(path, argv, environ);
    _exit(99);
  }
  REQUIRE_SIGHT("the parent of a vfork");
  REQUIRE_EXIT(child, 0);
}

static void by_spawn(const char* path, char* const argv[]) {
  pid_t child = 0;
  REQUIRE_EQUAL(posix_spawn(&child, path, NULL, NULL, argv, environ), 0);
  REQUIRE_EXIT(child, 0);
}

static void by_descriptor(const char* path, char* const argv[]) {
  const int file = open(path, O_PATH | O_CLOEXEC);
  REQUIRE(file >= 0);
  const pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, file, "", argv, environ, AT_EMPTY_PATH);
    _exit(99);
  }
  REQUIRE_EXIT(child, 0);
  close(file);
}

static void by_script(const char* path) {
  char name[] = "/tmp/exec_roads.XXXXXX";
  const int file = mkstemp(name);
  REQUIRE(file >= 0);
  dprintf(file, "#!%s\n", path);
  fchmod(file, 0755);
  close(file);
  char* const argv[] = {name, NULL};
  by_fork(name, argv);
  unlink(name);
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    char* const child[] = {argv[i], NULL};
    by_fork(argv[i], child);
    by_vfork(argv[i], child);
    by_spawn(argv[i], child);
    by_descriptor(argv[i], child);
    by_script(argv[i]);
  }
  /* A failed exec leaves the caller as it was. */
  char* const none[] = {"none", NULL};
  REQUIRE_EQUAL(execve("/nonexistent", none, environ), -1);
  REQUIRE_EQUAL(errno, ENOENT);
  REQUIRE_SIGHT("after an exec that failed");
  return 0;
}
