/**
 * Where CPUID stands in a file's code: its two bytes are searched, and each place where they are
 * found is held against what the file tells of its functions. Only what decodes as CPUID from the
 * start of a function is one. A sweep over all code would be no proof: libraries keep tables of
 * numbers among their code.
 *
 *   .eh_frame_hdr   functions with unwinding data: nearly all that compilers make
 *   .symtab, .dynsym   functions with a size; and objects, which are no code
 *   .gopclntab      functions of Go
 */
#ifndef CPUGATE_SUPERVISOR_CODE_SITES_H_
#define CPUGATE_SUPERVISOR_CODE_SITES_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace cpugate {

/** CPUID's bytes; whatever is told of a site, its address is that of the first of them. */
inline constexpr uint8_t kCpuid[] = {0x0f, 0xa2};

/** Offsets in the file, ascending. */
struct CodeSites {
  /** It is CPUID. */
  std::vector<uint64_t> proven;
  /** Nothing tells whether it is. */
  std::vector<uint64_t> unproven;
  /** Found in executable segments that are proven to be something else. */
  size_t others = 0;
};

/** Reads so many bytes from an offset, as many as there are. */
using ReadAt = std::function<size_t(uint64_t offset, void* to, size_t bytes)>;

/**
 * Of a 64-bit ELF file for x86; what else is there, or is damaged, has sites without proof only.
 * `size`: the file's, in bytes.
 */
CodeSites findSites(const ReadAt& readAt, uint64_t size);

/** Of a file that is open. */
CodeSites findSitesIn(int file, uint64_t size);
/** Nothing where there is no such file. */
std::optional<CodeSites> sitesOfFile(const char* path);

/** Places of CPUID's two bytes in memory, by offset. */
std::vector<size_t> findPairs(const uint8_t* bytes, size_t size);

/**
 * What is executed from `entry` on, as far as it leads directly: of the pairs those at which an
 * instruction CPUID begins or ends its prefixes. `bytes`: of one stretch of memory, `entry` and
 * `pairs` offsets there. That calls come back is taken for granted.
 */
std::vector<size_t> reachedPairs(const uint8_t* bytes, size_t size, size_t entry,
                                 const std::vector<size_t>& pairs);

}  // namespace cpugate

#endif  // CPUGATE_SUPERVISOR_CODE_SITES_H_
