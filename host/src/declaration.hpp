// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a plugin file says that it may offer (SOKR_PLUGIN_DECLARE, SOKR_IR_PLUGIN_DECLARE),
// read from its notes without opening it.
#ifndef SOKR_HOST_DECLARATION_HPP_
#define SOKR_HOST_DECLARATION_HPP_

#include <cstddef>
#include <cstdint>
#include <sokr/base/result.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::host {

class Declaration {
 public:
  // Takes over what the notes of one segment declare; notes of other owners are skipped.
  // `alignment` is the segment's. A failure if a note of ours is damaged.
  Result<void> read_notes(std::span<const std::byte> notes, std::size_t alignment);

  // True if the file declares nothing: it may offer anything.
  bool empty() const { return !substrates_ && !ir_; }
  // Whether the file may offer a substrate at all, one of this name, one of this kind, or an
  // IR plugin.
  bool may_offer_any() const { return empty() || substrates_; }
  bool may_offer(std::string_view name) const;
  bool may_offer_kind(std::uint32_t kind) const;
  bool may_read_ir() const { return empty() || ir_; }
  // For traces: "substrates cpu", "an IR plugin for SPIR-V", "nothing".
  std::string text() const;

 private:
  Result<void> read_substrates(std::span<const std::byte> descriptor);
  Result<void> read_ir(std::span<const std::byte> descriptor);

  bool substrates_ = false, ir_ = false;
  std::vector<std::string> families_;  // names up to their ':'
  std::uint32_t kinds_ = 0;            // SOKR_KIND_BIT of each
  std::uint32_t format_ = 0;
};

}  // namespace sokr::host

#endif  // SOKR_HOST_DECLARATION_HPP_
