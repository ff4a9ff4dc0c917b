// SPDX-License-Identifier: MIT OR Apache-2.0
#include "declaration.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <sokr/compute.h>
#include <sokr/ir.h>

#include <algorithm>
#include <cstring>

#include "diagnostics.hpp"

namespace sokr::host {
namespace {

constexpr std::string_view kOwner{"SOKR\0", 5};

// Both classes of ELF have the same header of a note.
using NoteHeader = Elf64_Nhdr;
static_assert(sizeof(NoteHeader) == sizeof(Elf32_Nhdr));

std::uint64_t padded(std::uint64_t size, std::uint64_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

std::string_view family_of(std::string_view name) {
  return name.substr(0, name.find(':'));
}

}  // namespace

Result<void> Declaration::read_notes(std::span<const std::byte> notes, std::size_t alignment) {
  alignment = alignment == 8 ? 8 : 4;
  NoteHeader header{};
  for (std::size_t at = 0; notes.size() - at >= sizeof header;) {
    std::memcpy(&header, notes.data() + at, sizeof header);
    const std::size_t owner = at + sizeof header;
    const std::uint64_t descriptor = owner + padded(header.n_namesz, alignment);
    const std::uint64_t end = descriptor + header.n_descsz;
    // Whatever follows a note that does not fit is no note.
    if (descriptor > notes.size() || end > notes.size()) return {};
    const std::string_view name(reinterpret_cast<const char*>(notes.data() + owner),
                                header.n_namesz);
    if (name == kOwner) {
      const auto bytes = notes.subspan(descriptor, header.n_descsz);
      if (header.n_type == SOKR_NOTE_SUBSTRATES) SOKR_TRY(read_substrates(bytes));
      if (header.n_type == SOKR_NOTE_IR) SOKR_TRY(read_ir(bytes));
    }
    at = std::min<std::size_t>(padded(end, alignment), notes.size());
  }
  return {};
}

Result<void> Declaration::read_substrates(std::span<const std::byte> descriptor) {
  if (descriptor.size() <= sizeof kinds_) {
    return fail(SOKR_INVALID_INPUT,
                "its declaration of substrates has {} bytes; kinds and names are longer",
                descriptor.size());
  }
  std::uint32_t kinds = 0;
  std::memcpy(&kinds, descriptor.data(), sizeof kinds);
  kinds_ |= kinds;
  const auto* text = reinterpret_cast<const char*>(descriptor.data()) + sizeof kinds_;
  std::string_view rest(text, ::strnlen(text, descriptor.size() - sizeof kinds_));
  substrates_ = true;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    families_.emplace_back(family_of(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

Result<void> Declaration::read_ir(std::span<const std::byte> descriptor) {
  if (descriptor.size() < sizeof format_) {
    return fail(SOKR_INVALID_INPUT, "its declaration of an IR plugin has {} bytes; a format has {}",
                descriptor.size(), sizeof format_);
  }
  std::memcpy(&format_, descriptor.data(), sizeof format_);
  ir_ = true;
  return {};
}

bool Declaration::may_offer(std::string_view name) const {
  if (empty()) return true;
  return std::find(families_.begin(), families_.end(), family_of(name)) != families_.end();
}

bool Declaration::may_offer_kind(std::uint32_t kind) const {
  if (empty()) return true;
  // Kinds of a later header count as OTHER, as they do in the order of substrates.
  constexpr std::uint32_t kKnown = SOKR_KIND_BIT(SOKR_KIND_REFERENCE + 1) - 1;
  if (kind > SOKR_KIND_REFERENCE) kind = SOKR_KIND_OTHER;
  const std::uint32_t kinds =
      (kinds_ & ~kKnown) != 0 ? kinds_ | SOKR_KIND_BIT(SOKR_KIND_OTHER) : kinds_;
  return (kinds & SOKR_KIND_BIT(kind)) != 0;
}

std::string Declaration::text() const {
  std::string text;
  if (substrates_) text = fmt::format("substrates {}", fmt::join(families_, ", "));
  if (ir_) {
    text += fmt::format("{}an IR plugin for {}", text.empty() ? "" : ", ", format_name(format_));
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace sokr::host
