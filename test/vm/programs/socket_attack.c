/*
 * Tasks ask their own supervisor, over its socket, to let them go: one asks and is gone before it can be
 * looked up, while another connection says nothing. Nobody is let go.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "check.h"

static pid_t tracer(void) {
  char text[4096];
  const int file = open("/proc/self/status", O_RDONLY);
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  text[length > 0 ? length : 0] = 0;
  const char* line = strstr(text, "TracerPid:");
  return line == NULL ? 0 : atoi(line + 10);
}

static struct sockaddr_un address = {.sun_family = AF_UNIX};
/* By the number in its name. */
static int find_socket(pid_t supervisor) {
  char line[512], name[32];
  snprintf(name, sizeof name, "/%d.sock", supervisor);
  FILE* list = fopen("/proc/net/unix", "r");
  while (list != NULL && fgets(line, sizeof line, list) != NULL) {
    char* path = strchr(line, '/');
    line[strcspn(line, "\n")] = 0;
    if (path == NULL || strlen(path) < strlen(name) || strcmp(path + strlen(path) - strlen(name), name) != 0) continue;
    if (strlen(path) >= sizeof address.sun_path) continue;
    strcpy(address.sun_path, path);
    fclose(list);
    return 1;
  }
  if (list != NULL) fclose(list);
  return 0;
}

static int connected(int isNonblocking) {
  const int end = socket(AF_UNIX, SOCK_SEQPACKET | (isNonblocking ? SOCK_NONBLOCK : 0), 0);
  if (connect(end, (struct sockaddr*)&address, sizeof address) == 0) return end;
  close(end);
  return -1;
}

static void require_held(const char* when, pid_t supervisor, int milliseconds) {
  for (int i = 0; i < milliseconds; i += 20) {
    REQUIRE_SIGHT(when);
    if (tracer() != supervisor) fail(__FILE__, __LINE__, "let go %s", when);
    usleep(20000);
  }
}

/* A process that is no longer there when its words are read. */
static void ask_and_die(const char* what, pid_t pid, int generations) {
  const pid_t child = fork();
  if (child == 0) {
    if (generations > 0) {
      ask_and_die(what, pid, generations - 1);
      _exit(0);
    }
    char text[64];
    const int length = snprintf(text, sizeof text, "%s %d 0", what, pid), end = connected(0);
    if (end >= 0) send(end, text, (size_t)length, MSG_NOSIGNAL);
    _exit(0);
  }
  REQUIRE_EXIT(child, 0);
}

int main(void) {
  const pid_t supervisor = tracer();
  REQUIRE_EQUAL(supervisor != 0, expected == MASKED);
  if (supervisor == 0 || !find_socket(supervisor)) return NOT_HERE;
  const char* const asked[] = {"detach", "release"};
  for (int i = 0; i < 4; i++) {
    /* The supervisor may be at this one when the asker's comes. */
    const int silent = i < 2 ? connected(0) : -1;
    ask_and_die(asked[i % 2], getpid(), i / 2);
    require_held("after one asked and died", supervisor, i < 2 ? 3000 : 500);
    close(silent);
  }
  int many[100];
  for (int i = 0; i < 100; i++) many[i] = connected(1);
  ask_and_die("detach", getpid(), 0);
  require_held("after many said nothing", supervisor, 1000);
  for (int i = 0; i < 100; i++) close(many[i]);
  return 0;
}
