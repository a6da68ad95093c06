#ifndef CPUGATE_ENFORCE_REPLACE_H_
#define CPUGATE_ENFORCE_REPLACE_H_

#include <string>
#include <vector>

namespace cpugate {

/** The command line as the kernel has it: JavaScript's copy has lost bytes that aren't UTF-8. */
std::vector<std::string> ownArguments();

/**
 * Executes the program in this process's place, with this process's environment; returns errno
 * where that fails.
 */
int replaceProcess(const std::string& file, const std::vector<std::string>& arguments);

}  // namespace cpugate

#endif  // CPUGATE_ENFORCE_REPLACE_H_
