// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Files that appear whole or not at all: written beside their final place under another
// name, and renamed when everything is there. What is no regular file (a FIFO) is written to
// directly, and so is what this process was given open: "-", which is standard output, a name
// of a descriptor such as /dev/stdout or /dev/fd/3, and the file that standard output or standard
// error go to, by whatever name. There it is written behind what is there, as the descriptor says.
#ifndef SOKR_CLI_OUTPUT_FILE_HPP_
#define SOKR_CLI_OUTPUT_FILE_HPP_

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace sokr::cli {

class OutputFile {
 public:
  // Creates the temporary file, so that what cannot be written is known before anything
  // runs. Throws an Error that names the path.
  explicit OutputFile(const std::filesystem::path& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  // Removes the temporary file unless it was published.
  ~OutputFile();

  const std::filesystem::path& path() const { return path_; }
  // Two regular outputs to one place are one mistake.
  const std::filesystem::path& target() const { return target_; }
  // Does it appear when it is published? What is written to directly comes last.
  bool is_regular() const { return regular_; }
  void write(std::span<const std::byte> bytes);
  // The last step before publish that can fail for want of space.
  void finish();
  // Puts the file in its place, in one step. Where the place cannot be taken by another file (one
  // that is mounted; one of somebody else in a folder of many, as /tmp is), what is in the file
  // that is there is replaced.
  void publish();

 private:
  [[noreturn]] void fail(int code) const;
  std::string temporary_name() const;
  void give_name();
  void open_given(int descriptor);
  void copy_to_target(int code);

  std::filesystem::path path_, target_, temporary_;
  bool regular_ = true;
  int fd_ = -1;
};

}  // namespace sokr::cli

#endif  // SOKR_CLI_OUTPUT_FILE_HPP_
