/**
 * The folder of running supervisors' sockets: its user's own, since others could put sockets there.
 */
#ifndef CPUGATE_SUPERVISOR_RUNTIME_FOLDER_H_
#define CPUGATE_SUPERVISOR_RUNTIME_FOLDER_H_

#include <sys/types.h>
#include <sys/un.h>

#include <string>
#include <vector>

namespace cpugate {

/** /run/cpugate for root, else cpugate below XDG_RUNTIME_DIR, else the user's folder in /tmp. */
std::string defaultRuntimeDir();

/** Makes it where it is missing; false: `error` says what is wrong with it. */
bool openRuntimeFolder(const std::string& folder, std::string* error);

/** For who asks: a folder of this user or of root; `missing`: there is none. */
bool checkRuntimeFolder(const std::string& folder, bool* missing, std::string* error);

/** Paths of the sockets, also of supervisors that are gone. */
std::vector<std::string> socketsIn(const std::string& folder);

/** Of the supervisor, as it knows itself, by the socket's name; 0: it doesn't tell. */
pid_t supervisorOf(const std::string& socketPath);

/** A name that no other supervisor has, of this or another PID namespace. */
std::string newSocketPath(const std::string& folder);

/** False where the path is too long. */
bool socketAddress(const std::string& path, sockaddr_un* address);

/** Sockets of this user on which nobody listens any more: whoever was killed couldn't clear up. */
void removeStaleSockets(const std::string& folder);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_RUNTIME_FOLDER_H_
