// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Labels of VK_EXT_debug_utils become slices of the file that SOKR_TRACE names.
#ifndef SOKR_ICD_LABEL_HPP_
#define SOKR_ICD_LABEL_HPP_

#include <cstdint>
#include <string>
#include <vector>

#include "recording.hpp"

namespace sokr::icd {

// Those that were begun and not ended, on one lane. Of one thread at a time.
class Labels {
 public:
  explicit Labels(const char* lane) : lane_(lane) {}
  void take(command::Label::What what, const std::string& name);

 private:
  struct Open {
    std::string name;
    std::uint64_t begin_ns;
  };
  const char* const lane_;
  std::vector<Open> open_;
};

}  // namespace sokr::icd

#endif  // SOKR_ICD_LABEL_HPP_
