#include "control_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "complain.h"
#include "control.h"
#include "printable.h"
#include "process_handle.h"
#include "runtime_folder.h"
#include "task_status.h"

namespace cpugate {

namespace {

using Clock = std::chrono::steady_clock;

struct Question {
  std::string what;
  pid_t pid;
  ProcessHandle process;
  ProcessHandle until;
};

enum class Outcome { kGone, kSilent, kAnswered };

/** For what is received from now on, or sent; false: there is no time left. */
bool allow(int connection, int option, Clock::time_point last) {
  const auto left =
      std::chrono::duration_cast<std::chrono::microseconds>(last - Clock::now()).count();
  if (left <= 0) return false;
  const timeval limit{left / 1'000'000, left % 1'000'000};
  return setsockopt(connection, SOL_SOCKET, option, &limit, sizeof limit) == 0;
}

bool sendQuestion(int connection, const Question& question) {
  char text[kMostRequestBytes];
  const int length = snprintf(text, sizeof text, "%s %d", question.what.c_str(), question.pid);
  iovec part{text, static_cast<size_t>(length)};
  const int descriptors[] = {question.process.descriptor(), question.until.descriptor()};
  const size_t bytes = (question.until.isOpen() ? 2 : 1) * sizeof(int);
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof descriptors)]{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(bytes);
  memcpy(CMSG_DATA(rights), descriptors, bytes);
  return sendmsg(connection, &message, MSG_NOSIGNAL) >= 0;
}

Outcome ask(const std::string& path, const Question& question, Clock::time_point last,
            std::string* reply) {
  sockaddr_un address;
  if (!socketAddress(path, &address)) return Outcome::kGone;
  const ScopedFd connection(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const auto failed = [] { return errno == EAGAIN ? Outcome::kSilent : Outcome::kGone; };
  if (!allow(connection.get(), SO_SNDTIMEO, last)) return Outcome::kSilent;
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return failed();
  ucred owner{};
  socklen_t size = sizeof owner;
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &owner, &size) != 0 ||
      (owner.uid != 0 && owner.uid != geteuid())) {
    *reply = printable(path) + ": another user (" + std::to_string(owner.uid) + ") listens there";
    return Outcome::kAnswered;
  }
  // Who is refused before it has asked can still read why.
  sendQuestion(connection.get(), question);
  if (!allow(connection.get(), SO_RCVTIMEO, last)) return Outcome::kSilent;
  reply->assign(kMostReplyBytes, '\0');
  const ssize_t got = recv(connection.get(), reply->data(), reply->size(), 0);
  if (got < 0) return failed();
  if (got == 0) return Outcome::kGone;
  reply->resize(static_cast<size_t>(got));
  send(connection.get(), kHeard, strlen(kHeard), MSG_NOSIGNAL);
  return Outcome::kAnswered;
}

/** Its tracer's first, which holds it; those last that are stopped and would only let us wait. */
void sortForAsking(std::vector<std::string>* paths, pid_t pid) {
  const long tracer = TaskStatus(pid).number("TracerPid");
  const auto rank = [tracer](const std::string& path) {
    const pid_t supervisor = supervisorOf(path);
    if (supervisor == tracer) return 0;
    const char state = TaskStatus(supervisor).state();
    return state == 'T' || state == 't' ? 2 : 1;
  };
  std::ranges::stable_sort(*paths, {}, rank);
}

}  // namespace

int askSupervisor(const std::string& folder, const std::string& what, pid_t pid, pid_t until,
                  const Limits& limits) {
  bool missing;
  std::string error;
  if (!checkRuntimeFolder(folder, &missing, &error)) {
    complain("%s", error.c_str());
    return 1;
  }
  if (missing) {
    complain("process %d isn't supervised: no supervisor is running", pid);
    return kNotSupervised;
  }
  Question question{what, pid, ProcessHandle::open(pid),
                    until == 0 ? ProcessHandle() : ProcessHandle::open(until)};
  if (!question.process.isOpen()) {
    complain("process %d isn't supervised: there is no such process", pid);
    return kNotSupervised;
  }
  if (until != 0 && !question.until.isOpen()) {
    complain("there is no process %d, until whose end the tasks were to be released", until);
    return 1;
  }
  removeStaleSockets(folder);
  std::vector<std::string> paths = socketsIn(folder);
  sortForAsking(&paths, pid);
  const auto limit = what == "status" ? limits.status : limits.others;
  bool anySilent = false;
  std::string refusal;
  for (const std::string& path : paths) {
    std::string reply;
    const Outcome outcome = ask(path, question, Clock::now() + limit, &reply);
    if (outcome == Outcome::kSilent) {
      const pid_t supervisor = supervisorOf(path);
      complain("supervisor %d doesn't answer: is it stopped? (kill -CONT %d)", supervisor,
               supervisor);
      // Another one could only hold it if this one didn't trace it.
      if (TaskStatus(pid).number("TracerPid") == supervisor) return 1;
      anySilent = true;
    }
    if (outcome != Outcome::kAnswered || reply == kNotHeld) continue;
    if (!reply.starts_with(kDone)) {
      // Another one may hold the process, and not this asker.
      refusal = reply;
      continue;
    }
    fputs(reply.c_str() + strlen(kDone), stdout);
    return fflush(stdout) == 0 ? 0 : 1;
  }
  if (!refusal.empty()) complain("%s", refusal.c_str());
  if (anySilent || !refusal.empty()) return 1;
  complain("process %d isn't supervised", pid);
  return kNotSupervised;
}

}  // namespace cpugate
