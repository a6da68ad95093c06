/** A file with the supervisor's number, written whole when its tasks are in hand (--pid-file). */
#ifndef CPUGATE_SUPERVISOR_PID_FILE_H_
#define CPUGATE_SUPERVISOR_PID_FILE_H_

#include <string>

#include "scoped_fd.h"

namespace cpugate {

class PidFile {
 public:
  PidFile() = default;
  /** What wasn't put in its place is removed. */
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  /**
   * Before anything is done: whether it could be written.
   * Null: none is wanted. False: `error` says why.
   */
  bool prepare(const char* path, std::string* error);
  /** Puts it in its place. */
  bool write(std::string* error);

 private:
  bool refuse(const std::string& why, std::string* error) const;

  std::string path_;
  std::string name_;
  std::string beside_;
  ScopedFd folder_;
  ScopedFd file_;
};

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_PID_FILE_H_
