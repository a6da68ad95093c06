/** Text that comes from arguments and files, for terminals. */
#pragma once

#include <string>
#include <string_view>

namespace cpugate {

/**
 * Control characters, format characters (category Cf) and what is no UTF-8 could move the cursor,
 * fake lines, or let one name look like another: they are shown by their code, as
 * src/model/printable.ts does ("\u202e"; a byte that is no UTF-8 as "\xff"). Line breaks stay where
 * `keepsLines` says so.
 */
std::string printable(std::string_view text, bool keepsLines = false);

}  // namespace cpugate
