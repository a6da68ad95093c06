#include "control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "memory.h"
#include "outsider.h"
#include "printable.h"
#include "runtime_folder.h"

namespace cpugate {

namespace {

using std::chrono::milliseconds;

constexpr size_t kMostConnections = 32;
/** How many may wait to be let in; the kernel makes the others wait. */
constexpr int kBacklog = 64;
/** From accept to the whole request, and from the reply to the word that it was read. */
constexpr milliseconds kPatience{2000};
/** For one that was refused to read it. */
constexpr milliseconds kFarewell{200};
constexpr milliseconds kKnockAgain{5};
/** Without descriptors to spare, nobody can be let in. */
constexpr milliseconds kAcceptAgain{100};

int knockSignal() { return SIGRTMIN; }

volatile sig_atomic_t knocked = 0;

void onKnock(int) { knocked = 1; }

void wake(int event) {
  const uint64_t one = 1;
  // It only fails where it was woken often enough.
  if (write(event, &one, sizeof one) != sizeof one) return;
}

}  // namespace

Control::~Control() {
  ends_ = true;
  if (started_) {
    wake(wake_.get());
    pthread_join(thread_, nullptr);
  }
  if (!path_.empty()) unlink(path_.c_str());
}

bool Control::listen(const std::string& folder, std::string* error) {
  if (!openRuntimeFolder(folder, error)) return false;
  removeStaleSockets(folder);
  const std::string path = newSocketPath(folder);
  // Until somebody listens on it, it looks as if it were stale; so it gets its name last.
  const std::string unnamed = path + ".new";
  sockaddr_un address;
  if (!socketAddress(unnamed, &address)) {
    *error = printable(folder) + ": its name is too long for a socket";
    return false;
  }
  socket_.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket_.get(), kBacklog) != 0 || rename(unnamed.c_str(), path.c_str()) != 0) {
    *error = printable(path) + ": " + strerror(errno);
    unlink(unnamed.c_str());
    socket_.reset();
    return false;
  }
  path_ = path;
  return true;
}

bool Control::start(std::string* error) {
  wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_.isOpen()) {
    *error = std::string("can't make an eventfd: ") + strerror(errno);
    return false;
  }
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
  pthread_attr_setstacksize(&attributes, size_t{128} * 1024);
  started_ = pthread_create(&thread_, &attributes, threadMain, this) == 0;
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!started_) *error = "can't start a thread";
  return started_;
}

void Control::tickEvery(int milliseconds) {
  if (tick_.exchange(milliseconds) != milliseconds && started_) wake(wake_.get());
}

void Control::poke() {
  const int saved = errno;
  poked_ = true;
  knocked = 1;
  if (wake_.isOpen()) wake(wake_.get());
  errno = saved;
}

bool Control::wasKnocked() {
  if (knocked == 0) return false;
  knocked = 0;
  return true;
}

void Control::serve(const std::function<std::string(const Request&)>& answer,
                    const std::function<void(uint64_t)>& onLost) {
  poked_ = false;
  for (;;) {
    std::unique_lock lock(mutex_);
    const auto lost = std::exchange(lost_, {});
    if (lost.empty() && asked_.empty()) return;
    std::optional<Request> request;
    if (!asked_.empty()) {
      request = std::move(asked_.front());
      asked_.pop_front();
    }
    lock.unlock();
    for (const uint64_t id : lost) onLost(id);
    if (!request) continue;
    Reply reply{request->id, answer(*request).substr(0, kMostReplyBytes)};
    lock.lock();
    replies_.push_back(std::move(reply));
    lock.unlock();
    wake(wake_.get());
  }
}

void* Control::threadMain(void* self) {
  static_cast<Control*>(self)->loop();
  return nullptr;
}

void Control::loop() {
  nextTick_ = Clock::now();
  while (!isOver(Clock::now())) {
    std::vector<int> readable;
    waitForAll(&readable, patience(Clock::now()));
    endBlockedTransfer();
    const auto now = Clock::now();
    sendReplies(now);
    for (auto at = connections_.begin(); at != connections_.end();) {
      const bool speaks = std::ranges::find(readable, at->socket.get()) != readable.end();
      const bool isOver = at->state != State::kAsked && now >= at->deadline;
      if (isOver || (speaks && !onReadable(*at, now))) {
        lose(*at);
        at = connections_.erase(at);
      } else {
        ++at;
      }
    }
    if (std::ranges::find(readable, socket_.get()) != readable.end()) acceptAll(now);
    knock();
  }
}

/** Until the next thing has to be done, in milliseconds. */
int Control::patience(Clock::time_point now) {
  auto next = now + milliseconds(1000);
  if (tick_ > 0) next = std::min(next, nextTick_);
  for (const Connection& one : connections_)
    if (one.state != State::kAsked) next = std::min(next, one.deadline);
  if (nextAccept_ > now) next = std::min(next, nextAccept_);
  if (ends_) next = std::min(next, lastMoment_);
  const std::unique_lock lock(mutex_);
  if (!asked_.empty() || !lost_.empty() || poked_) next = std::min(next, now + kKnockAgain);
  const auto left = std::chrono::ceil<milliseconds>(next - now).count();
  return static_cast<int>(std::max<int64_t>(left, 0));
}

void Control::waitForAll(std::vector<int>* readable, int patience) {
  std::vector<pollfd> waited{{wake_.get(), POLLIN, 0}};
  const bool listens = socket_.isOpen() && !ends_ && Clock::now() >= nextAccept_ && hasRoom();
  if (listens) waited.push_back({socket_.get(), POLLIN, 0});
  // Of one that waits for its answer, only its end matters, which is told unasked.
  for (const Connection& one : connections_)
    waited.push_back(
        {one.socket.get(), static_cast<short>(one.state == State::kAsked ? 0 : POLLIN), 0});
  if (poll(waited.data(), waited.size(), patience) <= 0) return;
  for (const pollfd& one : waited)
    if (one.revents != 0) readable->push_back(one.fd);
  uint64_t count;
  if (read(wake_.get(), &count, sizeof count) < 0) return;
}

void Control::acceptAll(Clock::time_point now) {
  for (int most = kBacklog; most > 0 && hasRoom(); --most) {
    ScopedFd socket(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.isOpen()) {
      if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        nextAccept_ = now + kAcceptAgain;
      return;
    }
    makeRoom();
    greet(std::move(socket), now);
  }
}

bool Control::hasRoom() const {
  return connections_.size() < kMostConnections ||
         std::ranges::any_of(connections_,
                             [](const Connection& one) { return one.state != State::kAsked; });
}

/** Whoever was refused, or has been silent for longest, gives way: nobody may keep others out. */
void Control::makeRoom() {
  if (connections_.size() < kMostConnections) return;
  const auto first = std::ranges::min_element(
      connections_, {}, [](const Connection& one) { return std::pair(one.state, one.deadline); });
  lose(*first);
  connections_.erase(first);
}

void Control::greet(ScopedFd socket, Clock::time_point now) {
  ucred owner{};
  socklen_t size = sizeof owner;
  std::string why;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &owner, &size) != 0) return;
  Connection connection{std::move(socket), {}, State::kSilent, now + kPatience, 0};
  if (owner.uid != 0 && owner.uid != geteuid())
    why = "the supervisor belongs to another user";
  else if (connection.asker = peerOf(connection.socket.get(), &why); connection.asker.isOpen())
    why = whyNoOutsider(connection.asker, [](pid_t) { return false; }).value_or("");
  connections_.push_back(std::move(connection));
  Connection& here = connections_.back();
  if (!why.empty()) {
    reply(here, "refused: " + why, State::kRefused, now);
  } else if (!onReadable(here, now)) {
    // Often it has asked already: then it can't be made to give way before.
    connections_.pop_back();
  }
}

bool Control::onReadable(Connection& connection, Clock::time_point now) {
  if (connection.state == State::kAsked) return false;
  if (connection.state != State::kSilent) {
    char word[16];
    const ssize_t got = recv(connection.socket.get(), word, sizeof word, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return true;
    // The request of one that was refused, which would break its reading off if it were left.
    if (connection.state == State::kRefused) return got > 0;
    if (std::string_view(word, got > 0 ? static_cast<size_t>(got) : 0) == kHeard) connection.id = 0;
    return false;
  }
  Request request;
  std::string error;
  if (!readRequest(connection, &request, &error)) {
    if (error.empty()) return errno == EAGAIN;
    reply(connection, "refused: " + error, State::kRefused, now);
    return true;
  }
  connection.id = request.id = ++requests_;
  connection.state = State::kAsked;
  request.asker = std::move(connection.asker);
  const std::unique_lock lock(mutex_);
  asked_.push_back(std::move(request));
  return true;
}

/**
 * One word and a number for people, with the process's pidfd and perhaps another.
 * No error: errno says why.
 */
bool Control::readRequest(Connection& connection, Request* request, std::string* error) {
  char text[kMostRequestBytes];
  iovec part{text, sizeof text - 1};
  alignas(cmsghdr) char room[CMSG_SPACE(2 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  const ssize_t got = recvmsg(connection.socket.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got <= 0) {
    if (got == 0) errno = ECONNRESET;
    return false;
  }
  std::vector<ScopedFd> descriptors;
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (one->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t place = 0; place < count; ++place) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(one) + place * sizeof(int), sizeof descriptor);
      descriptors.emplace_back(descriptor);
    }
  }
  text[got] = '\0';
  char what[32];
  if (sscanf(text, "%31[a-z]", what) != 1) {
    *error = "this is no request";
    return false;
  }
  request->what = what;
  if (!descriptors.empty())
    request->process = ProcessHandle::fromDescriptor(std::move(descriptors[0]));
  if (descriptors.size() > 1)
    request->until = ProcessHandle::fromDescriptor(std::move(descriptors[1]));
  if (request->process.isOpen() && (descriptors.size() < 2 || request->until.isOpen())) return true;
  *error = "the request shows no process; it may come from another version of cpugate";
  return false;
}

void Control::sendReplies(Clock::time_point now) {
  std::unique_lock lock(mutex_);
  const auto replies = std::exchange(replies_, {});
  lock.unlock();
  for (const Reply& one : replies) {
    const auto found = std::ranges::find(connections_, one.id, &Connection::id);
    if (found != connections_.end()) {
      reply(*found, one.text, State::kAnswered, now);
    } else {
      // It has hung up meanwhile.
      lock.lock();
      lost_.push_back(one.id);
      lock.unlock();
    }
  }
}

void Control::reply(Connection& connection, const std::string& text, State next,
                    Clock::time_point now) {
  // One that has hung up is found out at the next look.
  send(connection.socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  connection.state = next;
  connection.deadline = now + (next == State::kRefused ? kFarewell : kPatience);
}

/** Of one that hasn't been answered yet, its answer will find that it is gone. */
void Control::lose(const Connection& connection) {
  if (connection.state != State::kAnswered || connection.id == 0) return;
  const std::unique_lock lock(mutex_);
  lost_.push_back(connection.id);
}

void Control::knock() {
  const auto now = Clock::now();
  bool due = poked_ || (isNeeded_ != nullptr && isNeeded_());
  if (const int tick = tick_; tick > 0 && now >= nextTick_) {
    due = true;
    nextTick_ = now + milliseconds(tick);
  }
  if (!due) {
    const std::unique_lock lock(mutex_);
    due = !asked_.empty() || !lost_.empty();
  }
  if (due && !ends_) syscall(SYS_tgkill, getpid(), waiter_, knockSignal());
}

/** "detach" ends the supervisor; whoever asked for it is to hear that it was done. */
bool Control::isOver(Clock::time_point now) {
  if (!ends_) return false;
  if (lastMoment_ == Clock::time_point{}) {
    sendReplies(now);
    lastMoment_ = now + kPatience;
  }
  std::erase_if(connections_, [](const Connection& one) {
    return one.state != State::kAnswered && one.state != State::kRefused;
  });
  return connections_.empty() || now >= lastMoment_;
}

}  // namespace cpugate
