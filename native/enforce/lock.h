#ifndef CPUGATE_ENFORCE_LOCK_H_
#define CPUGATE_ENFORCE_LOCK_H_

namespace cpugate {

/**
 * Takes an open file for this process alone, without waiting: 0, or errno (EWOULDBLOCK: another has
 * it). It is given back when the last descriptor of this opening is closed, so also when the
 * process is killed. Over NFS the server keeps it (flock(2), NFS details).
 */
int lockFile(int descriptor);

}  // namespace cpugate

#endif  // CPUGATE_ENFORCE_LOCK_H_
