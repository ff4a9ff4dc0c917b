// SPDX-License-Identifier: MIT OR Apache-2.0
//
// This program once more in a process of its own: settings of a plugin and crashes of a driver
// stay there. It answers when it is asked and sleeps otherwise, so that several of them
// alternate like peers in one process.
#ifndef SOKR_BENCH_CPU_COMPANION_HPP_
#define SOKR_BENCH_CPU_COMPANION_HPP_

#include <sys/types.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace sokr::bench {

class Companion {
 public:
  // Starts this program again with these arguments, which must lead it to `answer`.
  explicit Companion(std::vector<std::string> arguments);
  ~Companion();
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;

  // The number that the other side answers to this line. Throws with its sentence, or that it has
  // ended.
  double ask(const std::string& line);
  // It answers nothing any more.
  bool has_ended() const { return has_ended_; }

 private:
  bool has_ended_ = false;
  pid_t process_ = -1;
  std::FILE* requests_ = nullptr;
  std::FILE* answers_ = nullptr;
};

// The other side: answers the lines of standard input until it ends; what is thrown is the answer
// as well.
int answer(const std::function<double(const std::string& line)>& to);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_COMPANION_HPP_
