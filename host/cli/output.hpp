// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What goes to stdout and stderr.
#ifndef SOKR_CLI_OUTPUT_HPP_
#define SOKR_CLI_OUTPUT_HPP_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace sokr::cli {

using Json = nlohmann::ordered_json;

// All of it, and waits where the descriptor does not: whoever gave it may have made it so. False
// with errno.
bool write_all(int descriptor, std::span<const std::byte> bytes);
// To stdout. Throws if it cannot be written: a full disk, a closed pipe.
void print(std::string_view text);
// Two spaces of indentation, a list of numbers in one line; bytes that are no UTF-8 become U+FFFD.
std::string json_text(const Json& json);
// Whether `text`, which may be anything, has more lists and objects inside one another than `most`.
// What a parser makes of such is walked, and copied, without end; a parser that is asked at each
// value takes time that grows with the square of their number.
bool is_nested_deeper(std::string_view text, std::size_t most);
// "sokr: ..." on stderr, as one line.
void note(std::string_view line);
// The same, if SOKR_LOG asks for `info` or more.
void inform(std::string_view line);

}  // namespace sokr::cli

#endif  // SOKR_CLI_OUTPUT_HPP_
