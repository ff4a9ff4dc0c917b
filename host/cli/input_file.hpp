// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Files that the command line names, read whole. What has no end, as a device that always gives
// more, is refused and not read until memory is out.
#ifndef SOKR_CLI_INPUT_FILE_HPP_
#define SOKR_CLI_INPUT_FILE_HPP_

#include <cstddef>
#include <cstdint>
#include <sokr/base/small_file.hpp>
#include <string>
#include <vector>

namespace sokr::cli {

class InputFile {
 public:
  // Throws an Error if it cannot be opened.
  explicit InputFile(const std::string& file);
  // As it is, whatever it is: a pipe, a socket, a file of somebody else.
  static InputFile standard_input();

  // Of an ordinary file; else 0.
  std::uint64_t size() const { return size_; }
  bool is_ordinary() const { return ordinary_; }
  // Up to so many bytes, fewer only at its end. Throws an Error for what cannot be read.
  std::size_t read(void* to, std::size_t size) const;
  // All that is left, behind what `bytes` already has. Throws an Error if they become more than
  // `most`, or than a device gives that is no endless one.
  void read_rest(std::vector<std::byte>& bytes, std::uint64_t most) const;

 private:
  InputFile(std::string name, int descriptor);
  [[noreturn]] void fail(int code) const;

  std::string name_;  // for sentences
  FileDescriptor descriptor_;
  std::uint64_t size_ = 0;
  bool ordinary_ = false, device_ = false;
};

// All of it; throws an Error if that is more than `most` bytes.
std::vector<std::byte> read_input(const InputFile& input, std::uint64_t most);

}  // namespace sokr::cli

#endif  // SOKR_CLI_INPUT_FILE_HPP_
