#include "lock.h"

#include <sys/file.h>

#include <cerrno>

namespace cpugate {

int lockFile(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno; }

}  // namespace cpugate
