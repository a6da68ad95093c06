// Requests over real sockets, to a process that answers as a supervisor does. Built and run by
// test/native/control.test.ts.
#include "control_test.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <cstring>
#include <vector>

#include "../probe/expect.h"
#include "runtime_folder.h"

namespace cpugate {
namespace {

using Clock = std::chrono::steady_clock;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

int connectTo(const std::string& folder) {
  const auto paths = socketsIn(folder);
  sockaddr_un address;
  if (paths.empty() || !socketAddress(paths.front(), &address)) return -1;
  const int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  return connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0
             ? connection
             : -1;
}

/** A request with any descriptor, or none. */
bool sendText(int connection, const std::string& text, int descriptor = -1) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof descriptor)]{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  }
  return sendmsg(connection, &message, MSG_NOSIGNAL) >= 0;
}

std::string receive(int connection) {
  char text[1024];
  const ssize_t got = recv(connection, text, sizeof text, 0);
  return got < 0 ? strerror(errno) : std::string(text, static_cast<size_t>(got));
}

/** What a child of the test process, or whatever `become` makes of it, hears when it asks. */
std::string heardBy(const std::string& folder, const std::string& what,
                    const std::function<void()>& become) {
  return said([&] {
           become();
           return askSupervisor(folder, what, getppid(), 0);
         })
      .text;
}

void outsidersAreAnswered(Expectations& expect) {
  const std::string folder = newFolder();
  StandIn supervisor(folder);
  const Said answer = ask(folder, "status", getpid());
  expect.that(
      answer.status == 0 && answer.text == "supervisor " + std::to_string(supervisor.pid()) + "\n",
      "an outsider is answered: " + answer.text);
  expect.that(supervisor.shared().asked == getpid(), "about the process that it has shown");
  expect.that(supervisor.shared().lost == 0, "and has heard it");
  const Said other = ask(folder, "status", 1);
  expect.that(other.status == kNotSupervised, "a process that it doesn't hold: " + other.text);
}

void numbersProveNothing(Expectations& expect) {
  const std::string folder = newFolder();
  StandIn supervisor(folder);
  const ProcessHandle self = ProcessHandle::open(getpid());
  const ScopedFd connection(connectTo(folder));
  sendText(connection.get(), "status 1", self.descriptor());
  expect.that(receive(connection.get()).starts_with(kDone) && supervisor.shared().asked == getpid(),
              "the descriptor says which process is meant, not the number beside it");
  const ScopedFd bare(connectTo(folder));
  sendText(bare.get(), "detach " + std::to_string(getpid()));
  expect.that(receive(bare.get()).starts_with("refused: "), "a number alone is refused");
  const ScopedFd wrong(connectTo(folder));
  const ScopedFd nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  sendText(wrong.get(), "detach " + std::to_string(getpid()), nothing.get());
  expect.that(receive(wrong.get()).starts_with("refused: "),
              "a descriptor of no process is refused");
  expect.that(supervisor.shared().detached == 0, "and nothing was done");
}

/** A child that does this when told to, and that a supervisor without privileges may trace. */
pid_t taskThat(Shared* shared, const std::function<int()>& what) {
  shared->isReady = 0;
  return inChild([&] {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    becomes([&] { return shared->isReady != 0; });
    return what();
  });
}

void tasksAreRefused(Expectations& expect) {
  const std::string folder = newFolder();
  Shared* shared = newShared();
  {
    const pid_t task =
        taskThat(shared, [&] { return askSupervisor(folder, "detach", getppid(), 0); });
    StandIn supervisor(folder, task);
    shared->isReady = 1;
    expect.that(endOf(task) == 1, "a traced process is refused");
    expect.that(supervisor.shared().detached == 0, "and can't have itself let go");
  }
  {
    const pid_t task = taskThat(
        shared, [&] { return holds(ask(folder, "detach", getppid()).text, "refused: ") ? 7 : 8; });
    StandIn supervisor(folder, task);
    shared->isReady = 1;
    expect.that(endOf(task) == 7, "a child of it that nobody traces is refused");
    expect.that(supervisor.shared().detached == 0, "and nothing was done for it");
  }
  {
    StandIn supervisor(folder, 0, [&] {
      inChild([&] {
        sleepFor(100);
        shared->child = askSupervisor(folder, "detach", getppid(), 0) + 100;
        return 0;
      });
    });
    expect.that(becomes([&] { return shared->child != 0; }) && shared->child == 101,
                "what comes of the supervisor is refused");
    expect.that(supervisor.shared().detached == 0, "and nothing was done for it, too");
  }
  munmap(shared, sizeof *shared);
}

/**
 * As a silent connection once held the only listener,
 * so that a task could ask and be dead when it was looked up.
 */
void theDeadAreRefused(Expectations& expect) {
  const std::string folder = newFolder();
  Shared* shared = newShared();
  for (int round = 0; round < 5; ++round) {
    const pid_t task = taskThat(shared, [&] {
      connectTo(folder);
      const ProcessHandle self = ProcessHandle::open(getppid());
      sendText(connectTo(folder), "detach " + std::to_string(getppid()), self.descriptor());
      return 0;
    });
    StandIn supervisor(folder, task);
    shared->isReady = 1;
    expect.that(endOf(task) == 0, "it asks");
    sleepFor(200);
    expect.that(supervisor.shared().detached == 0,
                "a task that asks and ends isn't believed an outsider");
  }
  // An outsider, too, has to be there when its request is judged.
  StandIn supervisor(folder);
  kill(supervisor.pid(), SIGSTOP);
  endOf(inChild([&] {
    const ProcessHandle self = ProcessHandle::open(getppid());
    sendText(connectTo(folder), "detach " + std::to_string(getppid()), self.descriptor());
    return 0;
  }));
  kill(supervisor.pid(), SIGCONT);
  sleepFor(200);
  expect.that(supervisor.shared().detached == 0,
              "whoever has ended before it was heard gets nothing");
  munmap(shared, sizeof *shared);
}

/** All tasks have a filter; so has what comes of them untraced, when its parents have ended. */
void whoeverHasMoreFiltersIsRefused(Expectations& expect) {
  const std::string folder = newFolder();
  StandIn supervisor(folder);
  const auto install = [] {
    sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    sock_fprog program{1, allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) _exit(99);
  };
  const std::string heard = heardBy(folder, "detach", install);
  expect.that(holds(heard, "refused: ") && holds(heard, "seccomp"),
              "more filters than the supervisor: " + heard);
  expect.that(supervisor.shared().detached == 0, "nothing was done for it");
  const std::string plain = heardBy(folder, "detach", [] {});
  expect.that(holds(plain, "supervisor ") && supervisor.shared().detached == 1,
              "without, it is done: " + plain);
}

void silentOnesDelayNobody(Expectations& expect) {
  const std::string folder = newFolder();
  StandIn supervisor(folder);
  std::vector<ScopedFd> silent(100);
  for (ScopedFd& one : silent) one = ScopedFd(connectTo(folder));
  expect.that(silent.back().isOpen(), "100 connect and say nothing");
  const auto before = Clock::now();
  expect.that(ask(folder, "status", getpid()).status == 0, "another one is answered");
  expect.that(Clock::now() - before < std::chrono::seconds(10), "at once");
  const int ticks = supervisor.shared().ticks;
  sleepFor(500);
  expect.that(supervisor.shared().ticks - ticks >= 5, "and the clock goes on");
  for (int round = 0; round < 40; ++round) connectTo(folder);
  const int more = supervisor.shared().ticks;
  sleepFor(500);
  expect.that(supervisor.shared().ticks - more >= 5, "also while others connect");
  char byte;
  expect.that(becomes([&] { return recv(silent.back().get(), &byte, 1, MSG_DONTWAIT) == 0; }),
              "after a while they are shown out");
}

void whatNobodyHeardIsLost(Expectations& expect) {
  const std::string folder = newFolder();
  StandIn supervisor(folder);
  const pid_t client = inChild([&] { return askSupervisor(folder, "release", getppid(), 0); });
  expect.that(becomes([&] { return supervisor.shared().asked != 0; }),
              "a client is about to be answered");
  kill(client, SIGKILL);
  endOf(client);
  expect.that(becomes([&] { return supervisor.shared().lost == 1; }),
              "one that is killed has heard nothing");
  expect.that(supervisor.shared().released == 1, "although the tasks were released");
  expect.that(ask(folder, "release", getpid()).status == 0, "one that lives");
  sleepFor(300);
  expect.that(supervisor.shared().released == 2 && supervisor.shared().lost == 1, "has heard it");
  {
    const ProcessHandle self = ProcessHandle::open(getpid());
    const ScopedFd deaf(connectTo(folder));
    sendText(deaf.get(), "release 1", self.descriptor());
    expect.that(receive(deaf.get()).starts_with(kDone), "who is answered");
  }
  expect.that(becomes([&] { return supervisor.shared().lost == 2; }),
              "and hangs up without a word has not");
}

void stoppedSupervisorsAreNamed(Expectations& expect) {
  const std::string folder = newFolder();
  StandIn stopped(folder);
  kill(stopped.pid(), SIGSTOP);
  const Limits limits{std::chrono::milliseconds(300), std::chrono::milliseconds(300)};
  const Said alone = ask(folder, "detach", getpid(), limits);
  const std::string number = std::to_string(stopped.pid());
  expect.that(alone.status == 1 && holds(alone.text, "supervisor " + number + " doesn't answer") &&
                  holds(alone.text, "kill -CONT " + number),
              "a stopped supervisor is named: " + alone.text);
  // More than may wait to be let in.
  std::vector<pid_t> clients(80);
  for (pid_t& client : clients)
    client = inChild([&] {
      const ScopedFd silent(connectTo(folder));
      pause();
      return 0;
    });
  sleepFor(300);
  expect.that(ask(folder, "detach", getpid(), limits).status == 1, "also where it lets nobody in");
  for (const pid_t client : clients) {
    kill(client, SIGKILL);
    endOf(client);
  }
  StandIn other(folder);
  const Said both = ask(folder, "status", getpid());
  expect.that(both.status == 0 && both.text == "supervisor " + std::to_string(other.pid()) + "\n",
              "another one is asked first: " + both.text);
  kill(stopped.pid(), SIGCONT);
}

void foldersAreOnesOwn(Expectations& expect) {
  const std::string folder = newFolder();
  StandIn supervisor(folder);
  const auto refuses = [&](const std::string& path, const std::string& why) {
    const Said answer = ask(path, "status", getpid());
    expect.that(answer.status == 1 && holds(answer.text, why),
                "asking: " + why + ": " + answer.text);
    std::string error;
    Control control;
    expect.that(!control.listen(path, &error) && holds(error, why),
                "listening: " + why + ": " + error);
  };
  const std::string link = newFolder() + "/link";
  expect.that(symlink(folder.c_str(), link.c_str()) == 0, "a link");
  refuses(link, "is a symbolic link");
  const std::string file = newFolder() + "/file";
  close(open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  refuses(file, "is not a folder");
  chmod(folder.c_str(), 0777);
  refuses(folder, "can be written by others");
  chmod(folder.c_str(), 0700);
  if (geteuid() == 0) {
    expect.that(chown(folder.c_str(), 65534, 65534) == 0, "another user's");
    refuses(folder, "belongs to another user (65534)");
  }
  const Said none = ask("/nonexistent/folder", "status", getpid());
  expect.that(none.status == kNotSupervised && holds(none.text, "no supervisor is running"),
              "no folder: " + none.text);
}

void socketsAreNobodyElses(Expectations& expect) {
  const std::string folder = newFolder();
  expect.that(newSocketPath(folder) != newSocketPath(folder),
              "one number in two PID namespaces, two names");
  // One that was killed.
  sockaddr_un address;
  const std::string stale = newSocketPath(folder);
  {
    const ScopedFd gone(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    expect.that(socketAddress(stale, &address) &&
                    bind(gone.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
                "a socket");
  }
  StandIn first(folder);
  StandIn second(folder);
  expect.that(access(stale.c_str(), F_OK) != 0, "a socket on which nobody listens is removed");
  expect.that(socketsIn(folder).size() == 2, "those of others stay");
  kill(first.pid(), SIGKILL);
  sleepFor(100);
  expect.that(ask(folder, "status", getpid()).status == 0 && socketsIn(folder).size() == 1,
              "who asks clears up, too");
}

void whoIsAnsweredCanRead(Expectations& expect) {
  const std::string folder = newFolder();
  // It ends as soon as it has answered, as after "detach".
  const pid_t supervisor = inChild([&] {
    Control control;
    std::string error;
    if (!control.listen(folder, &error) || !control.start(&error)) return 1;
    for (bool answered = false; !answered;) {
      sleepFor(1);
      if (!control.wasKnocked()) continue;
      control.serve(
          [&](const Request&) {
            answered = true;
            return std::string(kDone) + "bye\n";
          },
          [](uint64_t) {});
    }
    return 0;
  });
  becomes([&] { return !socketsIn(folder).empty(); });
  const Said answer = ask(folder, "detach", getpid());
  expect.that(answer.status == 0 && answer.text == "bye\n",
              "the last word is heard: " + answer.text);
  expect.that(endOf(supervisor) == 0, "and it ends");
  expect.that(socketsIn(folder).empty(), "without a trace");
}

}  // namespace
}  // namespace cpugate

int main() {
  cpugate::Expectations expect;
  cpugate::outsidersAreAnswered(expect);
  cpugate::numbersProveNothing(expect);
  cpugate::tasksAreRefused(expect);
  cpugate::theDeadAreRefused(expect);
  cpugate::whoeverHasMoreFiltersIsRefused(expect);
  cpugate::silentOnesDelayNobody(expect);
  cpugate::whatNobodyHeardIsLost(expect);
  cpugate::stoppedSupervisorsAreNamed(expect);
  cpugate::foldersAreOnesOwn(expect);
  cpugate::socketsAreNobodyElses(expect);
  cpugate::whoIsAnsweredCanRead(expect);
  return expect.conclude();
}
