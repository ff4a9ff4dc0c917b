// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Does a plugin file keep the rules? Everything that runs the plugin's code runs in a child
// process: one that crashes, ends or does not return breaks the rule that it was at, and the next
// rule is tried in another child.
#ifndef SOKR_CHECK_CHECK_HPP_
#define SOKR_CHECK_CHECK_HPP_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::check {

// A valid computation in a format of the plugin.
struct Seed {
  std::string name;
  std::vector<std::uint8_t> bytes;
  // The first bytes that make a whole one; fewer are refused. SIZE_MAX: of a text all but the blank
  // ones at its end, of anything else all.
  std::size_t whole_from = SIZE_MAX;
};

struct Request {
  std::filesystem::path plugin;
  std::vector<Seed> seeds;
  // How long a rule, or a kernel of the suite, may take.
  std::chrono::milliseconds timeout{60'000};
  // The compiled kernels of the suite; empty if they are not here.
  std::filesystem::path modules;
  // IR plugins that read what others lower to, and the kernels of the suite.
  std::vector<std::filesystem::path> readers;
  // Told from time to time how many of the steps are done. May be empty.
  std::function<void(std::string_view what, std::size_t done, std::size_t all)> progress;
};

enum class Verdict { kHolds, kBroken, kNotTried, kRefused, kKnownWrong };

struct Result {
  std::string group, id;  // "completion", "COM-8"
  std::string says;       // what is right
  Verdict verdict = Verdict::kHolds;
  std::vector<std::string> found;  // if it is broken: what was seen
  std::string reason;              // if it was not tried, refused, or is known: why
};

// A substrate or an IR plugin of the file.
struct Part {
  bool is_ir = false;
  std::string name, description;
  std::vector<Result> results;
};

struct Report {
  std::string plugin;
  std::string failure;  // why nothing could be tried; empty if something was
  std::vector<Part> parts;

  std::size_t count(Verdict verdict) const;
  // Nothing is broken, and something was tried.
  bool holds() const;
};

// Forks: the calling process has one thread. Blocks until everything was tried. Throws what a
// process that has too little memory or too many files throws.
Report check_plugin(const Request& request);

// The folder of the compiled kernels and the IR plugins beside this program and the libraries, in a
// build tree as installed. What is not there is left empty.
std::filesystem::path installed_modules();
std::vector<std::filesystem::path> installed_readers();

}  // namespace sokr::check

#endif  // SOKR_CHECK_CHECK_HPP_
