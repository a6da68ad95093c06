#include "complain.h"

#include <stdarg.h>
#include <stdio.h>

#include <string>

#include "printable.h"

namespace cpugate {

void complain(const char* format, ...) {
  va_list arguments, counted;
  va_start(arguments, format);
  va_copy(counted, arguments);
  const int length = vsnprintf(nullptr, 0, format, counted);
  va_end(counted);
  if (length >= 0) {
    std::string text(static_cast<size_t>(length) + 1, '\0');
    vsnprintf(text.data(), text.size(), format, arguments);
    text.pop_back();
    fputs(("cpugate: " + printable(text, true) + "\n").c_str(), stderr);
  }
  va_end(arguments);
}

}  // namespace cpugate
