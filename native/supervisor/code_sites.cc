#include "code_sites.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "decode.h"
#include "instruction.h"
#include "memory_map.h"
#include "scoped_fd.h"

namespace cpugate {

namespace {

constexpr size_t kChunk = size_t{1} << 20;
/** Of tables that are read as a whole; no file has more. */
constexpr uint64_t kMostTableBytes = uint64_t{1} << 28;
constexpr size_t kMostHeaders = 1 << 12;
/** A longer function isn't decoded: hand-made, to take time. */
constexpr uint64_t kLongestFunction = uint64_t{1} << 24;
/** Instructions that are followed from where code was executed first. */
constexpr size_t kMostFollowed = 1 << 16;

/** A number in the file's order of bytes, which is ours. */
template <typename T>
std::optional<T> numberAt(std::string_view bytes, uint64_t at) {
  if (at > bytes.size() || bytes.size() - at < sizeof(T)) return std::nullopt;
  T value;
  memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/** A function of the unwinding data: where it begins, and where it is described. */
struct Unwound {
  uint64_t start;
  uint64_t description;
};

/** What decoding a function tells of a place in it. */
enum class Verdict { kNothing, kCpuid, kOther };

class File {
 public:
  File(const ReadAt& readAt, uint64_t size) : readAt_(readAt), size_(size) { readHeaders(); }

  CodeSites sites() {
    CodeSites found;
    std::vector<uint64_t> pairs;
    if (segments_.empty()) findPairsIn({0, size_}, &pairs);
    for (const Elf64_Phdr& segment : segments_)
      findPairsIn({segment.p_offset, segment.p_offset + segment.p_filesz}, &pairs);
    std::ranges::sort(pairs);
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    if (!pairs.empty() && !segments_.empty()) readTables();
    for (const uint64_t pair : pairs) switch (judge(pair)) {
        case Verdict::kCpuid:
          found.proven.push_back(pair);
          break;
        case Verdict::kNothing:
          found.unproven.push_back(pair);
          break;
        case Verdict::kOther:
          ++found.others;
      }
    return found;
  }

 private:
  std::string read(uint64_t offset, uint64_t bytes) const {
    std::string text(std::min(bytes, kMostTableBytes), '\0');
    text.resize(readAt_(offset, text.data(), text.size()));
    return text;
  }

  template <typename T>
  std::vector<T> readAll(uint64_t offset, size_t count, size_t each) const {
    std::vector<T> list;
    if (each != sizeof(T) || count > kMostHeaders) return list;
    const std::string bytes = read(offset, count * sizeof(T));
    list.resize(bytes.size() / sizeof(T));
    if (list.empty()) return list;
    memcpy(list.data(), bytes.data(), list.size() * sizeof(T));
    return list;
  }

  void readHeaders() {
    Elf64_Ehdr header{};
    if (readAt_(0, &header, sizeof header) != sizeof header ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64)
      return;
    for (const Elf64_Phdr& one :
         readAll<Elf64_Phdr>(header.e_phoff, header.e_phnum, header.e_phentsize)) {
      if (one.p_type == PT_LOAD && (one.p_flags & PF_X) != 0 && one.p_offset <= size_ &&
          one.p_filesz <= size_ - one.p_offset)
        segments_.push_back(one);
      if (one.p_type == PT_GNU_EH_FRAME) unwinding_ = one;
      if (one.p_type == PT_LOAD) loaded_.push_back(one);
    }
    sections_ = readAll<Elf64_Shdr>(header.e_shoff, header.e_shnum, header.e_shentsize);
    if (header.e_shstrndx < sections_.size()) {
      const Elf64_Shdr& names = sections_[header.e_shstrndx];
      sectionNames_ = read(names.sh_offset, names.sh_size);
    }
  }

  void findPairsIn(Range range, std::vector<uint64_t>* pairs) const {
    std::string chunk;
    // A pair may lie across the end of a chunk.
    for (uint64_t at = range.from; at < range.to; at += kChunk) {
      chunk = read(at, std::min<uint64_t>(kChunk + 1, range.to - at));
      for (const size_t place :
           findPairs(reinterpret_cast<const uint8_t*>(chunk.data()), chunk.size()))
        pairs->push_back(at + place);
      if (chunk.size() <= kChunk) break;
    }
  }

  void readTables() {
    for (const Elf64_Shdr& section : sections_) {
      if (section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM) readSymbols(section);
      if (nameOf(section).ends_with(".gopclntab")) readGoFunctions(section);
    }
    readUnwinding();
    std::ranges::sort(functions_, {}, &Range::from);
  }

  std::string_view nameOf(const Elf64_Shdr& section) const {
    if (section.sh_name >= sectionNames_.size()) return {};
    return std::string_view(sectionNames_.c_str() + section.sh_name);
  }

  void addFunction(uint64_t from, uint64_t bytes) {
    if (bytes == 0 || bytes > kLongestFunction) return;
    functions_.push_back({from, from + bytes});
    longest_ = std::max(longest_, bytes);
  }

  void readSymbols(const Elf64_Shdr& section) {
    if (section.sh_entsize != sizeof(Elf64_Sym)) return;
    const std::string table = read(section.sh_offset, section.sh_size);
    for (uint64_t at = 0; const auto symbol = numberAt<Elf64_Sym>(table, at);
         at += sizeof(Elf64_Sym)) {
      const unsigned type = ELF64_ST_TYPE(symbol->st_info);
      if (symbol->st_shndx == SHN_UNDEF) continue;
      if (type == STT_FUNC || type == STT_GNU_IFUNC) addFunction(symbol->st_value, symbol->st_size);
      if (type == STT_OBJECT && symbol->st_size > 0)
        objects_.push_back({symbol->st_value, symbol->st_value + symbol->st_size});
    }
  }

  /** DWARF's encodings of pointers, as far as linkers use them: bytes of each; 0: another. */
  static size_t pointerBytes(uint8_t encoding) {
    switch (encoding & 0x0f) {
      case 0x00:
      case 0x04:
      case 0x0c:
        return 8;
      case 0x03:
      case 0x0b:
        return 4;
      default:
        return 0;
    }
  }

  std::optional<uint64_t> offsetOf(uint64_t address) const {
    for (const Elf64_Phdr& one : loaded_)
      if (address >= one.p_vaddr && address - one.p_vaddr < one.p_filesz)
        return address - one.p_vaddr + one.p_offset;
    return std::nullopt;
  }

  std::string readAtAddress(uint64_t address, uint64_t bytes) const {
    const auto offset = offsetOf(address);
    return offset ? read(*offset, bytes) : std::string();
  }

  /** LSB, 10.6.2: a table of functions' starts and their descriptions, sorted. */
  void readUnwinding() {
    if (!unwinding_) return;
    const std::string table = read(unwinding_->p_offset, unwinding_->p_filesz);
    constexpr uint8_t kUsual[] = {1, 0x1b, 0x03, 0x3b};
    if (table.size() < 12 || memcmp(table.data(), kUsual, sizeof kUsual) != 0) return;
    const uint32_t count = *numberAt<uint32_t>(table, 8);
    for (uint64_t place = 0; place < count; ++place) {
      const auto start = numberAt<int32_t>(table, 12 + 8 * place);
      const auto described = numberAt<int32_t>(table, 16 + 8 * place);
      if (!start || !described) return;
      const uint64_t base = unwinding_->p_vaddr;
      unwound_.push_back({base + static_cast<uint64_t>(int64_t{*start}),
                          base + static_cast<uint64_t>(int64_t{*described})});
    }
  }

  /** How long the function is by its description (LSB, 10.6.1); 0: that isn't understood. */
  uint64_t lengthOf(const Unwound& one) const {
    const std::string entry = readAtAddress(one.description, 32);
    const auto length = numberAt<uint32_t>(entry, 0);
    const auto back = numberAt<uint32_t>(entry, 4);
    if (!length || !back || *length == ~0u) return 0;
    const std::string common = readAtAddress(one.description + 4 - *back, 64);
    // Version 1, then the augmentation, which says how addresses are written.
    if (numberAt<uint32_t>(common, 4) != 0u || common.size() < 64 || common[8] != 1) return 0;
    const std::string_view augmentation(common.data() + 9,
                                        strnlen(common.data() + 9, common.size() - 9));
    if (augmentation.empty() || augmentation[0] != 'z') return 0;
    uint64_t at = 9 + augmentation.size() + 1;
    const auto skipNumber = [&] {
      while (at < common.size() && (common[at++] & 0x80) != 0) continue;
    };
    // Alignment of code and data, the return address's column, and the augmentation's length.
    for (int number = 0; number < 4; ++number) skipNumber();
    uint8_t encoding = 0;
    for (const char letter : augmentation.substr(1)) {
      if (at >= common.size()) return 0;
      const auto byte = static_cast<uint8_t>(common[at]);
      if (letter == 'R') {
        encoding = byte;
        break;
      }
      if (letter == 'P') {
        at += 1 + pointerBytes(byte);
        if (pointerBytes(byte) == 0) return 0;
      } else if (letter == 'L') {
        ++at;
      } else if (letter != 'S' && letter != 'B') {
        return 0;
      }
    }
    const size_t bytes = pointerBytes(encoding);
    if (bytes == 4) return numberAt<uint32_t>(entry, 8 + 4).value_or(0);
    if (bytes == 8) return numberAt<uint64_t>(entry, 8 + 8).value_or(0);
    return 0;
  }

  /** Go's table of functions (src/debug/gosym/pclntab.go), of Go 1.2 and newer. */
  void readGoFunctions(const Elf64_Shdr& section) {
    const std::string table = read(section.sh_offset, section.sh_size);
    const auto magic = numberAt<uint32_t>(table, 0);
    if (!magic || table.size() < 8 || table[7] != 8) return;
    const bool is118 = *magic == 0xfffffff0 || *magic == 0xfffffff1;
    const bool is116 = *magic == 0xfffffffa;
    if (!is118 && !is116 && *magic != 0xfffffffb) return;
    const auto word = [&](unsigned place) {
      return numberAt<uint64_t>(table, 8 + 8 * uint64_t{place}).value_or(0);
    };
    const uint64_t count = word(0);
    const uint64_t at = is118 ? word(7) : is116 ? word(6) : 16;
    // Where it is a matter of relocation the file has 0.
    const uint64_t text = !is118 ? 0 : word(2) != 0 ? word(2) : textAddress();
    const uint64_t each = is118 ? 8 : 16;
    const auto startOf = [&](uint64_t place) -> std::optional<uint64_t> {
      if (!is118) return numberAt<uint64_t>(table, at + each * place);
      const auto from = numberAt<uint32_t>(table, at + each * place);
      return from ? std::optional(text + *from) : std::nullopt;
    };
    for (uint64_t place = 0; place < count; ++place) {
      const auto from = startOf(place), to = startOf(place + 1);
      if (!from || !to) return;
      if (*to > *from) addFunction(*from, *to - *from);
    }
  }

  uint64_t textAddress() const {
    for (const Elf64_Shdr& section : sections_)
      if (nameOf(section) == ".text") return section.sh_addr;
    return 0;
  }

  std::optional<uint64_t> addressOf(uint64_t offset) const {
    for (const Elf64_Phdr& one : segments_)
      if (offset >= one.p_offset && offset - one.p_offset < one.p_filesz)
        return offset - one.p_offset + one.p_vaddr;
    return std::nullopt;
  }

  bool isInData(uint64_t offset) const {
    for (const Elf64_Shdr& section : sections_)
      if (section.sh_type != SHT_NOBITS && (section.sh_flags & SHF_ALLOC) != 0 &&
          offset >= section.sh_offset && offset - section.sh_offset < section.sh_size)
        return (section.sh_flags & SHF_EXECINSTR) == 0;
    return false;
  }

  Verdict decodeFrom(uint64_t start, uint64_t pair) const {
    const uint64_t place = pair - start;
    const std::string code = readAtAddress(start, place + kMaxInstructionBytes);
    const auto* bytes = reinterpret_cast<const uint8_t*>(code.data());
    for (uint64_t at = 0; at <= place;) {
      if (at > code.size()) return Verdict::kNothing;
      const size_t length = cpuidLength(bytes + at, code.size() - at, true);
      if (length != 0 && at + length == place + sizeof kCpuid) return Verdict::kCpuid;
      const Instruction one = decode(bytes + at, code.size() - at);
      if (one.length == 0) return Verdict::kNothing;
      at += one.length;
    }
    return Verdict::kOther;
  }

  Verdict judge(uint64_t offset) const {
    const auto address = addressOf(offset);
    if (!address) return Verdict::kNothing;
    if (isInData(offset)) return Verdict::kOther;
    for (const Range& object : objects_)
      if (object.has(*address)) return Verdict::kOther;
    Verdict verdict = Verdict::kNothing;
    // Who says otherwise than another proves nothing.
    bool isContradicted = false;
    const auto hear = [&](Verdict said) {
      isContradicted |=
          said != Verdict::kNothing && verdict != Verdict::kNothing && said != verdict;
      if (said != Verdict::kNothing) verdict = said;
    };
    const auto next = std::ranges::upper_bound(unwound_, *address, {}, &Unwound::start);
    if (next != unwound_.begin()) {
      const Unwound& one = *std::prev(next);
      if (*address - one.start < std::min(lengthOf(one), kLongestFunction))
        hear(decodeFrom(one.start, *address));
    }
    auto last = std::ranges::upper_bound(functions_, *address, {}, &Range::from);
    uint64_t heard = 0;
    while (last != functions_.begin()) {
      const Range& one = *--last;
      if (*address - one.from > longest_) break;
      if (one.has(*address) && one.from != heard) hear(decodeFrom(heard = one.from, *address));
    }
    return isContradicted ? Verdict::kNothing : verdict;
  }

  const ReadAt& readAt_;
  uint64_t size_;
  /** Executable ones. */
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Phdr> loaded_;
  std::optional<Elf64_Phdr> unwinding_;
  std::vector<Elf64_Shdr> sections_;
  std::string sectionNames_;
  // By address.
  std::vector<Range> functions_;
  std::vector<Range> objects_;
  std::vector<Unwound> unwound_;
  uint64_t longest_ = 0;
};

}  // namespace

std::vector<size_t> findPairs(const uint8_t* bytes, size_t size) {
  std::vector<size_t> pairs;
  for (const uint8_t* at = bytes; size > 0;) {
    const uint8_t* end = bytes + size;
    at = static_cast<const uint8_t*>(memchr(at, kCpuid[1], static_cast<size_t>(end - at)));
    if (at == nullptr) break;
    if (at > bytes && at[-1] == kCpuid[0]) pairs.push_back(static_cast<size_t>(at - bytes) - 1);
    if (++at == end) break;
  }
  return pairs;
}

CodeSites findSites(const ReadAt& readAt, uint64_t size) { return File(readAt, size).sites(); }

CodeSites findSitesIn(int file, uint64_t size) {
  const auto readAt = [file](uint64_t offset, void* to, size_t bytes) {
    size_t done = 0;
    for (ssize_t got; done < bytes; done += static_cast<size_t>(got)) {
      got = pread(file, static_cast<char*>(to) + done, bytes - done,
                  static_cast<off_t>(offset + done));
      if (got <= 0) break;
    }
    return done;
  };
  return findSites(readAt, size);
}

std::optional<CodeSites> sitesOfFile(const char* path) {
  struct stat status {};
  const ScopedFd file(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.isOpen() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return std::nullopt;
  return findSitesIn(file.get(), static_cast<uint64_t>(status.st_size));
}

std::vector<size_t> reachedPairs(const uint8_t* bytes, size_t size, size_t entry,
                                 const std::vector<size_t>& pairs) {
  std::vector<size_t> reached;
  std::vector<bool> seen(size);
  std::vector<size_t> ways{entry};
  size_t followed = 0;
  while (!ways.empty()) {
    size_t at = ways.back();
    ways.pop_back();
    while (at < size && !seen[at] && ++followed < kMostFollowed) {
      seen[at] = true;
      if (const size_t length = cpuidLength(bytes + at, size - at, true); length != 0)
        if (std::ranges::binary_search(pairs, at + length - sizeof kCpuid))
          reached.push_back(at + length - sizeof kCpuid);
      const Instruction one = decode(bytes + at, size - at);
      if (one.length == 0 || one.flow == Flow::kEnd) break;
      const size_t behind = at + one.length;
      if (one.flow == Flow::kBranch || one.flow == Flow::kJump)
        ways.push_back(behind + static_cast<size_t>(one.distance));
      if (one.flow == Flow::kJump) break;
      at = behind;
    }
  }
  std::ranges::sort(reached);
  reached.erase(std::unique(reached.begin(), reached.end()), reached.end());
  return reached;
}

}  // namespace cpugate
