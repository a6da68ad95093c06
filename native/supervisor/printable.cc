#include "printable.h"

#include <stdint.h>
#include <stdio.h>

namespace cpugate {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

/** Categories Cc, Cf, Zl and Zp of Unicode 15.1 (DerivedGeneralCategory.txt). */
constexpr Range kUnprintable[] = {
    {0x0, 0x1f},        {0x7f, 0x9f},       {0xad, 0xad},       {0x600, 0x605},
    {0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},
    {0x8e2, 0x8e2},     {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x2064},   {0x2066, 0x206f},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},
    {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
};

bool isUnprintable(uint32_t sign) {
  for (const Range& range : kUnprintable)
    if (sign >= range.first && sign <= range.last) return true;
  return false;
}

struct Sign {
  uint32_t code;
  /** Bytes; 0: no UTF-8. */
  size_t length;
};

/** The first one; surrogates, overlong forms and codes above 10FFFF are no UTF-8 (RFC 3629). */
Sign firstSign(std::string_view text) {
  const auto byte = [&](size_t place) { return static_cast<uint8_t>(text[place]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {0, 0};
  uint32_t code = lead & (0xffu >> (length + 1));
  for (size_t place = 1; place < length; ++place) {
    if ((byte(place) & 0xc0) != 0x80) return {0, 0};
    code = code << 6 | (byte(place) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool isSurrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[length] || code > 0x10ffff || isSurrogate) return {0, 0};
  return {code, length};
}

std::string escaped(const char* format, uint32_t value) {
  char text[8];
  snprintf(text, sizeof(text), format, value);
  return text;
}

/** As UTF-16 has it. */
std::string escapedSign(uint32_t code) {
  if (code < 0x10000) return escaped("\\u%04x", code);
  const uint32_t rest = code - 0x10000;
  return escaped("\\u%04x", 0xd800 + (rest >> 10)) + escaped("\\u%04x", 0xdc00 + (rest & 0x3ff));
}

}  // namespace

std::string printable(std::string_view text, bool keepsLines) {
  std::string shown;
  while (!text.empty()) {
    const auto [code, length] = firstSign(text);
    if (length == 0) {
      shown += escaped("\\x%02x", static_cast<uint8_t>(text[0]));
    } else if (isUnprintable(code) && !(keepsLines && code == '\n')) {
      shown += escapedSign(code);
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return shown;
}

}  // namespace cpugate
