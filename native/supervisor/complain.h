/** What people read on standard error. */
#pragma once

namespace cpugate {

/**
 * One line, printed at once, under the name of the program that was called: this one is started for
 * "cpugate run" and its like, and nobody who reads a message of theirs knows it.
 */
[[gnu::format(printf, 1, 2)]] void complain(const char* format, ...);

}  // namespace cpugate
