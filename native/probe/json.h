/** JSON as the record needs it: indented by one, ASCII only. */
#ifndef CPUGATE_PROBE_JSON_H_
#define CPUGATE_PROBE_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace cpugate {

/** UTF-8 to a JSON string with its quotes; what is no UTF-8 becomes U+FFFD. */
std::string jsonText(std::string_view utf8);

/** The same of a file whose every byte is a character. */
std::string jsonLatin1(std::string_view bytes);

/** "0x1f" with its quotes, at least `digits` long. */
std::string jsonHex(uint64_t value);

/** Without quotes. */
std::string hexDigits(uint64_t value, unsigned digits);

/** Objects and lists, entry by entry; texts that are given must be JSON. */
class JsonWriter {
 public:
  void open(std::string_view name, char bracket);
  void close(char bracket);
  void entry(std::string_view name, std::string_view json);
  /** Of a list. */
  void item(std::string_view json) { entry({}, json); }

  const std::string& text() const { return text_; }

 private:
  void begin(std::string_view name);

  std::string text_;
  unsigned depth_ = 0;
  bool isFirst_ = true;
};

}  // namespace cpugate

#endif  // CPUGATE_PROBE_JSON_H_
