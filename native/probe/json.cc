#include "json.h"

#include <cstddef>

namespace cpugate {
namespace {

constexpr uint32_t kReplacement = 0xfffd;

void appendUnit(std::string& out, uint32_t unit) {
  out += "\\u";
  out += hexDigits(unit, 4);
}

void appendCharacter(std::string& out, uint32_t code) {
  if (code == '"' || code == '\\') {
    out += '\\';
    out += static_cast<char>(code);
  } else if (code >= 0x20 && code < 0x7f) {
    out += static_cast<char>(code);
  } else if (code < 0x10000) {
    appendUnit(out, code);
  } else {  // as UTF-16 has it
    appendUnit(out, 0xd800 + ((code - 0x10000) >> 10));
    appendUnit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
  }
}

/** Takes one character from the front; U+FFFD and one byte where it is none. RFC 3629. */
uint32_t takeCharacter(std::string_view& utf8) {
  const auto byteAt = [&utf8](size_t place) { return static_cast<unsigned char>(utf8[place]); };
  const unsigned char first = byteAt(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  uint32_t code = length == 1 ? first : first & (0x7fU >> length);
  bool isWhole = length > 0 && length <= utf8.size();
  for (size_t place = 1; isWhole && place < length; ++place) {
    isWhole = (byteAt(place) & 0xc0) == 0x80;
    code = code << 6 | (byteAt(place) & 0x3fU);
  }
  constexpr uint32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (!isWhole || code < kLowest[length] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) {
    utf8.remove_prefix(1);
    return kReplacement;
  }
  utf8.remove_prefix(length);
  return code;
}

}  // namespace

std::string hexDigits(uint64_t value, unsigned digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (; value != 0 || text.size() < digits; value >>= 4)
    text.insert(text.begin(), kDigits[value & 0xf]);
  return text;
}

std::string jsonText(std::string_view utf8) {
  std::string out = "\"";
  while (!utf8.empty()) appendCharacter(out, takeCharacter(utf8));
  return out + '"';
}

std::string jsonLatin1(std::string_view bytes) {
  std::string out = "\"";
  for (const char byte : bytes) appendCharacter(out, static_cast<unsigned char>(byte));
  return out + '"';
}

std::string jsonHex(uint64_t value) { return "\"0x" + hexDigits(value, 1) + '"'; }

void JsonWriter::begin(std::string_view name) {
  if (!isFirst_) text_ += ',';
  if (depth_ > 0) text_ += '\n';
  text_.append(depth_, ' ');
  isFirst_ = false;
  if (!name.empty()) {
    text_ += jsonText(name);
    text_ += ": ";
  }
}

void JsonWriter::open(std::string_view name, char bracket) {
  begin(name);
  text_ += bracket;
  ++depth_;
  isFirst_ = true;
}

void JsonWriter::close(char bracket) {
  --depth_;
  if (!isFirst_) {
    text_ += '\n';
    text_.append(depth_, ' ');
  }
  text_ += bracket;
  isFirst_ = false;
}

void JsonWriter::entry(std::string_view name, std::string_view json) {
  begin(name);
  text_ += json;
}

}  // namespace cpugate
