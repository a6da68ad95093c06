/** The least that a test program needs: counts what holds, and says where something doesn't. */
#ifndef CPUGATE_PROBE_EXPECT_H_
#define CPUGATE_PROBE_EXPECT_H_

#include <cstdio>
#include <string>

namespace cpugate {

class Expectations {
 public:
  void that(bool holds, const std::string& what, const char* file = __builtin_FILE(),
            int line = __builtin_LINE()) {
    if (holds) {
      ++passed_;
      return;
    }
    ++failed_;
    std::printf("%s:%d: not so: %s\n", file, line, what.c_str());
  }

  /** For main to return. */
  int conclude() const {
    std::printf("%d passed, %d failed\n", passed_, failed_);
    return failed_ == 0 && passed_ > 0 ? 0 : 1;
  }

 private:
  int passed_ = 0;
  int failed_ = 0;
};

}  // namespace cpugate

#endif  // CPUGATE_PROBE_EXPECT_H_
