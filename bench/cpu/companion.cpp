// SPDX-License-Identifier: MIT OR Apache-2.0
#include "companion.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace sokr::bench {

Companion::Companion(std::vector<std::string> arguments) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
    throw std::runtime_error("cannot make a pipe to another process");
  arguments.insert(arguments.begin(), "benchmark");
  std::vector<char*> words;
  for (std::string& word : arguments) words.push_back(word.data());
  words.push_back(nullptr);
  process_ = fork();
  if (process_ == 0) {
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    execv("/proc/self/exe", words.data());
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  requests_ = fdopen(to[1], "w");
  answers_ = fdopen(from[0], "r");
  if (process_ < 0 || !requests_ || !answers_)
    throw std::runtime_error("cannot start another process");
}

Companion::~Companion() {
  if (requests_) std::fclose(requests_);
  if (answers_) std::fclose(answers_);
  if (process_ > 0) waitpid(process_, nullptr, 0);
}

double Companion::ask(const std::string& line) {
  std::fputs((line + '\n').c_str(), requests_);
  std::fflush(requests_);
  char reply[1024];
  if (!std::fgets(reply, sizeof reply, answers_)) {
    has_ended_ = true;
    throw std::runtime_error("its process has ended");
  }
  const std::string_view text(reply);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || *end != '\n')
    throw std::runtime_error(std::string(text.substr(0, text.find('\n'))));
  return value;
}

int answer(const std::function<double(const std::string& line)>& to) {
  std::string line;
  while (std::getline(std::cin, line)) {
    try {
      fmt::print("{:.1f}\n", to(line));
    } catch (const std::exception& error) {
      std::string sentence = error.what();
      std::ranges::replace(sentence, '\n', ' ');
      fmt::print("{}\n", sentence);
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace sokr::bench
