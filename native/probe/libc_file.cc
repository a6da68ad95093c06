/**
 * Sources: glibc's csu/version.c (its banner); the System V gABI, chapters 4 and 5; Linux gABI
 * extensions, .note.gnu.property; x86-64 psABI, "Program Property".
 */
#include "libc_file.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#ifndef PT_GNU_PROPERTY
#define PT_GNU_PROPERTY 0x6474e553
#endif

namespace cpugate {
namespace {

constexpr uint32_t kPropertyType0 = 5;           // NT_GNU_PROPERTY_TYPE_0
constexpr uint32_t kIsa1Needed = 0xc0008002;     // GNU_PROPERTY_X86_ISA_1_NEEDED
constexpr size_t kMostProgramHeaders = 256;      // more than any linker makes
constexpr std::string_view kGnu = {"GNU\0", 4};  // a note's owner

/** A part of the file; nothing where it doesn't lie inside. */
std::optional<std::string_view> part(std::string_view file, uint64_t offset, uint64_t size) {
  if (offset > file.size() || size > file.size() - offset) return std::nullopt;
  return file.substr(offset, size);
}

/** Files needn't align what is in them. */
template <typename T>
std::optional<T> valueAt(std::string_view file, uint64_t offset) {
  const auto bytes = part(file, offset, sizeof(T));
  if (!bytes) return std::nullopt;
  T value;
  std::memcpy(&value, bytes->data(), sizeof value);
  return value;
}

constexpr uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/** Each property has type, size and data, padded to 8 bytes. */
std::optional<uint32_t> neededOf(std::string_view properties) {
  for (uint64_t at = 0; at + 8 <= properties.size();) {
    const uint32_t type = *valueAt<uint32_t>(properties, at);
    const uint32_t size = *valueAt<uint32_t>(properties, at + 4);
    if (at + 8 + size > properties.size()) return std::nullopt;
    if (type == kIsa1Needed && size == 4) return valueAt<uint32_t>(properties, at + 8);
    at += 8 + alignUp(size, 8);
  }
  return std::nullopt;
}

std::optional<uint32_t> neededInNotes(std::string_view notes, uint64_t alignment) {
  for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
    const auto note = *valueAt<Elf64_Nhdr>(notes, at);
    const uint64_t dataAt = at + alignUp(sizeof note + note.n_namesz, alignment);
    const auto data = part(notes, dataAt, note.n_descsz);
    if (!data) return std::nullopt;
    if (note.n_type == kPropertyType0 && note.n_namesz == kGnu.size() &&
        part(notes, at + sizeof note, kGnu.size()) == kGnu) {
      if (const auto needed = neededOf(*data)) return needed;
    }
    at = dataAt + alignUp(note.n_descsz, alignment);
  }
  return std::nullopt;
}

bool isOurs(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
         header.e_machine == EM_X86_64 && header.e_phentsize >= sizeof(Elf64_Phdr);
}

}  // namespace

std::optional<std::string> glibcVersionOf(std::string_view file) {
  constexpr std::string_view kBanner = "GNU C Library";
  constexpr std::string_view kBefore = " release version ";
  const size_t banner = file.find(kBanner);
  if (banner == std::string_view::npos) return std::nullopt;
  // The banner's line; what else is in a file is no version.
  const std::string_view line =
      file.substr(banner, 200).substr(0, file.find('\n', banner) - banner);
  const size_t before = line.find(kBefore);
  if (before == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(before + kBefore.size());
  std::string_view version = rest.substr(0, rest.find_first_not_of("0123456789."));
  while (version.ends_with('.')) version.remove_suffix(1);
  if (version.empty()) return std::nullopt;
  return std::string(version);
}

std::optional<int> isaLevelOf(std::string_view file) {
  const auto header = valueAt<Elf64_Ehdr>(file, 0);
  if (!header || !isOurs(*header)) return std::nullopt;
  const size_t count = std::min<size_t>(header->e_phnum, kMostProgramHeaders);
  for (size_t number = 0; number < count; ++number) {
    const auto segment = valueAt<Elf64_Phdr>(file, header->e_phoff + number * header->e_phentsize);
    if (!segment || (segment->p_type != PT_GNU_PROPERTY && segment->p_type != PT_NOTE)) continue;
    const auto notes = part(file, segment->p_offset, segment->p_filesz);
    const auto needed = notes ? neededInNotes(*notes, segment->p_align == 8 ? 8 : 4) : std::nullopt;
    // Bits 0 … 3 are the levels; a later bit is a level that has no name here.
    if (needed.value_or(0) != 0)
      return *needed > 0xf ? std::nullopt
                           : std::optional(static_cast<int>(std::bit_width(*needed)));
  }
  return std::nullopt;
}

}  // namespace cpugate
