#include "control.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>

#include "complain.h"
#include "printable.h"

namespace cpugate {

namespace {

constexpr size_t kMostRequestBytes = 256;
constexpr size_t kMostReplyBytes = 1 << 16;
constexpr std::chrono::milliseconds kKnockAgain{5};
/** More than sending waits. */
constexpr std::chrono::seconds kLongestReply{3};
/** Nobody of ours traces it. */
constexpr int kNotSupervised = 3;

int knockSignal() { return SIGRTMIN; }

volatile sig_atomic_t knocked = 0;

void onKnock(int) { knocked = 1; }

bool addressOf(const std::string& path, sockaddr_un* address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (path.size() >= sizeof address->sun_path) return false;
  memcpy(address->sun_path, path.c_str(), path.size());
  return true;
}

/** A folder of the user's own that nobody else may enter: others could put sockets there. */
bool isPrivate(const std::string& folder, std::string* error) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    *error = printable(folder) + ": " + strerror(errno);
    return false;
  }
  struct stat found {};
  if (lstat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid() ||
      (found.st_mode & 022) != 0) {
    *error = folder + ": must be a folder of this user that no other user can write to";
    return false;
  }
  return true;
}

/** Nothing where it isn't one word, a process and perhaps another. */
bool readRequest(const char* text, Request* request) {
  char what[32];
  int pid = 0, until = 0;
  if (sscanf(text, "%31[a-z] %d %d", what, &pid, &until) != 3 || pid <= 0 || until < 0) return false;
  request->what = what;
  request->pid = pid;
  request->until = until;
  return true;
}

}  // namespace

std::string defaultRuntimeDir() {
  if (geteuid() == 0) return "/run/cpugate";
  const char* runtime = getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] == '/') return std::string(runtime) + "/cpugate";
  return "/tmp/cpugate-" + std::to_string(geteuid());
}

Control::~Control() {
  {
    // "detach" ends the supervisor; whoever asked for it is to hear that it was done.
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLongestReply, [this] { return !conversing_; });
  }
  if (!path_.empty()) unlink(path_.c_str());
}

bool Control::listen(const std::string& folder, std::string* error) {
  if (!isPrivate(folder, error)) return false;
  const std::string path = folder + "/" + std::to_string(getpid()) + ".sock";
  sockaddr_un address;
  if (!addressOf(path, &address)) {
    *error = folder + ": its name is too long for a socket";
    return false;
  }
  socket_.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  unlink(path.c_str());
  if (bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket_.get(), 4) != 0) {
    *error = printable(path) + ": " + strerror(errno);
    return false;
  }
  path_ = path;
  struct sigaction action {};
  action.sa_handler = onKnock;
  sigaction(knockSignal(), &action, nullptr);
  waiter_ = static_cast<pid_t>(syscall(SYS_gettid));
  // All other signals are for the thread that waits.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  started_ = pthread_create(&thread_, &attributes, threadMain, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!started_) *error = "can't start a thread";
  return started_;
}

void* Control::threadMain(void* self) {
  static_cast<Control*>(self)->loop();
  return nullptr;
}

void Control::loop() {
  for (;;) {
    const int tick = tick_;
    pollfd waited{socket_.get(), POLLIN, 0};
    const int ready = poll(&waited, 1, tick > 0 ? tick : 1000);
    if (ready <= 0) {
      if (tick > 0) syscall(SYS_tgkill, getpid(), waiter_, knockSignal());
      continue;
    }
    const ScopedFd connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.isOpen()) converse(connection.get());
  }
}

void Control::converse(int connection) {
  ucred asker{};
  socklen_t size = sizeof asker;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &asker, &size) != 0) return;
  if (asker.uid != 0 && asker.uid != geteuid()) return;
  char text[kMostRequestBytes];
  const timeval patience{2, 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const ssize_t got = recv(connection, text, sizeof text - 1, 0);
  if (got <= 0) return;
  text[got] = '\0';
  std::unique_lock lock(mutex_);
  if (!readRequest(text, &request_)) return;
  request_.asker = asker.pid;
  asked_ = conversing_ = true;
  while (asked_) {
    syscall(SYS_tgkill, getpid(), waiter_, knockSignal());
    changed_.wait_for(lock, kKnockAgain);
  }
  const std::string reply = reply_.substr(0, kMostReplyBytes);
  lock.unlock();
  send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
  lock.lock();
  conversing_ = false;
  changed_.notify_all();
}

bool Control::wasKnocked() {
  if (knocked == 0) return false;
  knocked = 0;
  return true;
}

void Control::serve(const std::function<std::string(const Request&)>& answer) {
  std::unique_lock lock(mutex_);
  if (!asked_) return;
  reply_ = answer(request_);
  asked_ = false;
  changed_.notify_all();
}

int askSupervisor(const std::string& folder, const Request& request) {
  DIR* sockets = opendir(folder.c_str());
  if (sockets == nullptr) {
    complain("process %d isn't supervised: no supervisor is running", request.pid);
    return kNotSupervised;
  }
  int status = kNotSupervised;
  while (const dirent* entry = readdir(sockets)) {
    sockaddr_un address;
    if (strstr(entry->d_name, ".sock") == nullptr || !addressOf(folder + "/" + entry->d_name, &address))
      continue;
    const ScopedFd connection(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      // One that was killed couldn't clear up.
      if (errno == ECONNREFUSED) unlink(address.sun_path);
      continue;
    }
    char text[kMostRequestBytes];
    snprintf(text, sizeof text, "%s %d %d", request.what.c_str(), request.pid, request.until);
    if (send(connection.get(), text, strlen(text), MSG_NOSIGNAL) < 0) continue;
    std::string reply(kMostReplyBytes, '\0');
    const ssize_t got = recv(connection.get(), reply.data(), reply.size(), 0);
    if (got <= 0) continue;
    reply.resize(static_cast<size_t>(got));
    if (reply == "none") continue;
    const bool good = reply.starts_with("ok\n");
    if (good)
      fputs(reply.c_str() + 3, stdout);
    else
      complain("%s", reply.c_str());
    status = good ? 0 : 1;
    break;
  }
  closedir(sockets);
  if (status == kNotSupervised)
    complain("process %d isn't supervised", request.pid);
  return status;
}

}  // namespace cpugate
