/**
 * What the addon's C++ takes from the C++ library's binary, in the addon itself: a libstdc++ of the
 * machine that builds it would ask for a glibc as young as that machine's. There are no exceptions;
 * what would throw one ends the process, as it would where nobody catches it.
 */
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

[[noreturn]] void die(const char* why) {
  size_t length = 0;
  while (why[length] != '\0') ++length;
  // Nothing is left to do where the last words aren't heard.
  if (write(STDERR_FILENO, why, length) < 0) std::abort();
  std::abort();
}

void* allocate(size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) die("cpugate: out of memory\n");
  return memory;
}

}  // namespace

void* operator new(size_t size) { return allocate(size); }
void* operator new[](size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

#ifdef __GLIBCXX__
/** Declared in bits/functexcept.h; called by what the headers inline. */
namespace std {

// NOLINTBEGIN(readability-identifier-naming)
void __throw_bad_alloc() { die("cpugate: std::bad_alloc\n"); }
void __throw_bad_array_new_length() { die("cpugate: std::bad_array_new_length\n"); }
void __throw_bad_function_call() { die("cpugate: std::bad_function_call\n"); }
void __throw_length_error(const char*) { die("cpugate: std::length_error\n"); }
void __throw_logic_error(const char*) { die("cpugate: std::logic_error\n"); }
void __throw_out_of_range_fmt(const char*, ...) { die("cpugate: std::out_of_range\n"); }
// NOLINTEND(readability-identifier-naming)

}  // namespace std
#endif
