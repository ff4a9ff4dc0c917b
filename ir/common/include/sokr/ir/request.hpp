// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a host asks of an IR plugin, read from a SokrIrRequest of any version and checked.
#ifndef SOKR_IR_REQUEST_HPP_
#define SOKR_IR_REQUEST_HPP_

#include <sokr/ir.h>

#include <array>
#include <cstdint>
#include <optional>
#include <sokr/base/elements.hpp>
#include <sokr/base/result.hpp>
#include <span>
#include <string_view>

namespace sokr::ir {

// Borrowed, as what it was read from is: until the plugin's function returns.
struct Request {
  std::span<const std::uint8_t> bytes;  // never null; may be empty
  Elements<SokrIrOption> options;       // keys and values are not null
  Elements<SokrIrSpecValue> specializations;
  std::array<std::uint32_t, 3> local_size{};  // all 0 = the module's own
  std::uint32_t subgroup_size = 0;            // 0 = the substrate's default
  std::optional<SokrIrLimits> limits;         // of the substrate, if it is known
  std::uint32_t target = 0;                   // of lowering

  // The value of the last option with this key.
  std::optional<std::string_view> option(std::string_view key) const;
  bool is_specialized() const {
    return specializations.size() != 0 || local_size != std::array<std::uint32_t, 3>{};
  }
};

// SOKR_INVALID_INPUT for null pointers and sizes that make no sense, SOKR_VERSION_MISMATCH for
// another major version, SOKR_CAPABILITY_DENIED for what a later version asks beyond this one.
Result<Request> read_request(const SokrIrRequest* request);

// The arguments of the functions of version 1.0, whose elements have the sizes of then.
// SOKR_INVALID_INPUT for null pointers; null options or specializations are none if their count
// is 0.
Result<Request> read_arguments(std::span<const std::uint8_t> bytes, const SokrIrOption* options,
                               std::uint32_t option_count, const SokrIrSpecValue* specializations,
                               std::uint32_t specialization_count, const std::uint32_t* local_size);

}  // namespace sokr::ir

#endif  // SOKR_IR_REQUEST_HPP_
