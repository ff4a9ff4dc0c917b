// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <limits>
#include <sokr/substrate/launch_view.hpp>
#include <utility>
#include <vector>

namespace sokr::substrate {
namespace {

constexpr std::uint32_t kKnownFlags = SOKR_LAUNCH_PROFILE;
constexpr std::uint32_t kQuadraticLimit = 32;  // below it, pairwise comparison beats sorting

struct Section {
  const char* name;
  std::uint32_t offset;
  std::uint64_t size;  // count times element size: no overflow in 64 bits

  std::uint64_t end() const { return offset + size; }
};

Result<void> check_section(const Section& section, const SokrLaunchHeader& header) {
  if (section.size == 0) {
    if (section.offset == 0) return {};
    return fail(SOKR_INVALID_INPUT,
                "launch parameters: the {} section is empty but has offset {}; it must be 0",
                section.name, section.offset);
  }
  if (section.offset % 8 != 0) {
    return fail(SOKR_INVALID_INPUT,
                "launch parameters: the {} section starts at byte {}, which is not a multiple of 8",
                section.name, section.offset);
  }
  if (section.offset < header.header_size) {
    return fail(
        SOKR_INVALID_INPUT,
        "launch parameters: the {} section starts at byte {}, inside the header of {} bytes",
        section.name, section.offset, header.header_size);
  }
  if (section.end() > header.total_size) {
    return fail(SOKR_INVALID_INPUT,
                "launch parameters: the {} section ends at byte {}, beyond the total of {} bytes",
                section.name, section.end(), header.total_size);
  }
  return {};
}

Result<void> check_overlap(const std::array<Section, 5>& sections) {
  for (std::size_t i = 0; i < sections.size(); ++i) {
    for (std::size_t j = i + 1; j < sections.size(); ++j) {
      const Section &a = sections[i], &b = sections[j];
      if (a.size == 0 || b.size == 0 || a.end() <= b.offset || b.end() <= a.offset) continue;
      return fail(SOKR_INVALID_INPUT,
                  "launch parameters: the {} section (bytes {} to {}) overlaps the {} section "
                  "(bytes {} to {})",
                  a.name, a.offset, a.end(), b.name, b.offset, b.end());
    }
  }
  return {};
}

constexpr std::size_t header_size_of(std::uint32_t version) {
  return version == 1 ? SOKR_LAUNCH_HEADER_SIZE_1 : sizeof(SokrLaunchHeader);
}

Result<void> check_header(const SokrLaunchHeader& header, std::size_t size) {
  if (header.magic != SOKR_LAUNCH_MAGIC) {
    return fail(SOKR_INVALID_INPUT,
                "launch parameters start with {:#010x} instead of the magic {:#010x}; write them "
                "with sokr_launch_write",
                header.magic, SOKR_LAUNCH_MAGIC);
  }
  if (header.version == 0 || header.version > SOKR_LAUNCH_VERSION) {
    return fail(SOKR_INVALID_INPUT,
                "launch parameters have version {}; this substrate reads versions 1 to {}",
                header.version, SOKR_LAUNCH_VERSION);
  }
  if (header.total_size != size) {
    return fail(SOKR_INVALID_INPUT,
                "launch parameters say that they have {} bytes, but params_len is {}",
                header.total_size, size);
  }
  if (const std::size_t least = header_size_of(header.version);
      header.header_size < least || header.header_size > header.total_size ||
      header.header_size % 8 != 0) {
    return fail(
        SOKR_INVALID_INPUT,
        "launch parameters have a header of {} bytes; it must be a multiple of 8 from {} to "
        "the total of {}",
        header.header_size, least, header.total_size);
  }
  if ((header.flags & ~kKnownFlags) != 0) {
    return fail(SOKR_INVALID_INPUT,
                "launch parameters have unknown flags {:#x}; this substrate knows {:#x} "
                "(SOKR_LAUNCH_PROFILE)",
                header.flags & ~kKnownFlags, kKnownFlags);
  }
  if (header.push_size % 4 != 0) {
    return fail(SOKR_INVALID_INPUT, "push constants have {} bytes, which is not a multiple of 4",
                header.push_size);
  }
  const std::uint32_t* local = header.local_size;
  const bool any = (local[0] | local[1] | local[2]) != 0;
  if (any && (local[0] == 0 || local[1] == 0 || local[2] == 0)) {
    return fail(SOKR_INVALID_INPUT,
                "the local size {},{},{} has a 0; give three sizes of at least 1, or 0,0,0 for the "
                "kernel's own",
                local[0], local[1], local[2]);
  }
  if (header.indirect != 0 &&
      (header.indirect_offset % 4 != 0 || header.indirect_offset > UINT64_MAX - 12)) {
    return fail(SOKR_INVALID_INPUT,
                "the indirect offset {} must be a multiple of 4 with room for 12 bytes",
                header.indirect_offset);
  }
  return {};
}

std::string where(const SokrBinding& b) {
  return b.index == 0 ? fmt::format("binding {}.{}", b.set, b.binding)
                      : fmt::format("binding {}.{}[{}]", b.set, b.binding, b.index);
}

Failure explain_binding(const SokrBinding& b) {
  if (b.kind == SOKR_BINDING_IMAGE || b.kind == SOKR_BINDING_SAMPLER) {
    return fail(SOKR_CAPABILITY_DENIED,
                "{} is {}; this substrate has no images, it binds host memory and buffers",
                where(b), b.kind == SOKR_BINDING_IMAGE ? "an image" : "a sampler");
  }
  if (b.kind > SOKR_BINDING_SAMPLER) {
    return fail(SOKR_INVALID_INPUT,
                "{} has kind {}; it must be 0 (null), 1 (host memory) or 2 (buffer), or, where "
                "there are images, 3 (image) or 4 (sampler)",
                where(b), b.kind);
  }
  if (b.reserved != 0) {
    return fail(SOKR_INVALID_INPUT, "{} has {} in its reserved field, which must be 0", where(b),
                b.reserved);
  }
  if (b.access > SOKR_ACCESS_READ_WRITE || b.access == 0) {
    return fail(SOKR_INVALID_INPUT, "{} has access {}; it must be 1 (read), 2 (write) or 3 (both)",
                where(b), b.access);
  }
  if (b.resource == 0) {
    return fail(SOKR_INVALID_INPUT, "{} is {}; to bind nothing use SOKR_BINDING_NULL", where(b),
                b.kind == SOKR_BINDING_HOST ? "host memory at the null address" : "buffer 0");
  }
  if (b.size == 0) {
    return fail(SOKR_INVALID_INPUT,
                "{} has size 0; it must be at least 1 byte (to bind nothing use SOKR_BINDING_NULL)",
                where(b));
  }
  return fail(SOKR_INVALID_INPUT,
              "{} has offset {} and size {}, which reach beyond the end of the address space",
              where(b), b.offset, b.size);
}

bool is_good(const SokrBinding& b) {
  if (b.kind > SOKR_BINDING_BUFFER || b.reserved != 0 || b.access > SOKR_ACCESS_READ_WRITE) {
    return false;
  }
  if (b.kind == SOKR_BINDING_NULL) return true;
  if (b.access == 0 || b.resource == 0 || b.size == 0) return false;
  const std::uint64_t start = b.kind == SOKR_BINDING_HOST ? b.resource : 0;
  const std::uint64_t limit = b.kind == SOKR_BINDING_HOST ? UINTPTR_MAX : UINT64_MAX;
  return start <= limit && b.offset <= limit - start && b.size <= limit - start - b.offset;
}

std::uint64_t mask_of(std::uint32_t size) {
  return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
}

}  // namespace

Result<LaunchView> LaunchView::parse(const std::uint8_t* params, std::size_t size) {
  if (params == nullptr || size == 0) {
    return fail(SOKR_INVALID_INPUT,
                "there are no launch parameters; write them with sokr_launch_write");
  }
  if (size < SOKR_LAUNCH_HEADER_SIZE_1) {
    return fail(SOKR_INVALID_INPUT, "launch parameters have {} bytes; their header alone has {}",
                size, SOKR_LAUNCH_HEADER_SIZE_1);
  }
  LaunchView view;
  view.bytes_ = params;
  std::memcpy(&view.header_, params, SOKR_LAUNCH_HEADER_SIZE_1);
  SOKR_TRY(check_header(view.header_, size));
  if (view.header_.version > 1) SOKR_TRY(view.read_version_2());
  SOKR_TRY(view.check_sections());
  if (view.header_.binding_count != 0) SOKR_TRY(view.check_bindings());
  if (view.header_.specialization_count != 0) SOKR_TRY(view.check_specializations());
  if (view.header_.wait_count != 0) SOKR_TRY(view.check_waits());
  return view;
}

std::optional<LaunchView> LaunchView::repeated(const std::uint8_t* params, std::size_t size) const {
  if (params == nullptr || size != header_.total_size) return std::nullopt;
  // The two sections whose values may differ, in the order of their offsets; an empty one is at 0.
  std::array<Section, 2> values = {
      {{"push-constant", header_.push_offset, header_.push_size},
       {"waits", header_.wait_offset,
        header_.wait_count * std::uint64_t{sizeof(SokrCompletionToken)}}}};
  if (values[0].offset > values[1].offset) std::swap(values[0], values[1]);
  std::uint64_t at = 0;
  for (const Section& section : values) {
    if (section.size == 0) continue;
    if (std::memcmp(params + at, bytes_ + at, section.offset - at) != 0) return std::nullopt;
    at = section.end();
  }
  if (std::memcmp(params + at, bytes_ + at, size - at) != 0) return std::nullopt;
  LaunchView view = *this;
  view.bytes_ = params;
  if (!view.check_waits()) return std::nullopt;
  return view;
}

// What only version 2 says.
Result<void> LaunchView::read_version_2() {
  SokrLaunchHeader header;
  std::memcpy(&header, bytes_, sizeof header);
  binding_size_ = header.binding_size;
  specialization_size_ = header.specialization_size;
  struct Row {
    const char* name;
    std::uint32_t size;
    std::size_t least;
  };
  for (const Row& row :
       {Row{"binding", binding_size_, SOKR_BINDING_SIZE_1_0},
        Row{"specialization constant", specialization_size_, SOKR_SPECIALIZATION_SIZE_1_0}}) {
    if (row.size >= row.least && row.size % 8 == 0) continue;
    return fail(SOKR_INVALID_INPUT,
                "launch parameters say that a {} has {} bytes; it has at least {}, a multiple of 8",
                row.name, row.size, row.least);
  }
  if (header.reserved != 0) {
    return fail(SOKR_INVALID_INPUT,
                "launch parameters have {} in their reserved field, which must be 0",
                header.reserved);
  }
  SOKR_TRY(check_surplus("the header", 0, 1, header.header_size, sizeof header));
  std::copy_n(header.base_groups, 3, base_groups_.begin());
  if (header.indirect == 0 || !has_base_groups()) return {};
  return fail(SOKR_INVALID_INPUT,
              "the launch is indirect and starts at workgroup {},{},{}; an indirect launch starts "
              "at 0,0,0",
              base_groups_[0], base_groups_[1], base_groups_[2]);
}

// Bytes beyond what is known here ask for something that nobody here would do.
Result<void> LaunchView::check_surplus(const char* what, std::uint32_t offset, std::uint32_t count,
                                       std::size_t size, std::size_t known) const {
  for (std::uint32_t i = 0; size > known && i < count; ++i) {
    const std::uint8_t* at = bytes_ + offset + std::size_t{i} * size;
    const auto* set =
        std::find_if(at + known, at + size, [](std::uint8_t byte) { return byte != 0; });
    if (set == at + size) continue;
    return fail(
        SOKR_CAPABILITY_DENIED,
        "launch parameters: {} has {} bytes, of which this substrate knows {}, and asks for "
        "something at byte {}",
        what, size, known, set - at);
  }
  return {};
}

// As launches are written: each section behind the one before it. Anything else is looked at
// more closely.
bool LaunchView::has_sections_in_order() const {
  std::uint64_t end = header_.header_size;
  const auto follows = [&end](std::uint32_t offset, std::uint64_t size) {
    if (size == 0) return offset == 0;
    if (offset % 8 != 0 || offset < end) return false;
    end = offset + size;
    return true;
  };
  return follows(header_.entry_offset, header_.entry_size) &&
         follows(header_.binding_offset, header_.binding_count * std::uint64_t{binding_size_}) &&
         follows(header_.push_offset, header_.push_size) &&
         follows(header_.specialization_offset,
                 header_.specialization_count * std::uint64_t{specialization_size_}) &&
         follows(header_.wait_offset,
                 header_.wait_count * std::uint64_t{sizeof(SokrCompletionToken)}) &&
         end <= header_.total_size;
}

// What of the sections is wrong, if anything.
Result<void> LaunchView::check_each_section() const {
  const std::array<Section, 5> sections = {{
      {"entry name", header_.entry_offset, header_.entry_size},
      {"bindings", header_.binding_offset, header_.binding_count * std::uint64_t{binding_size_}},
      {"push-constant", header_.push_offset, header_.push_size},
      {"specialization", header_.specialization_offset,
       header_.specialization_count * std::uint64_t{specialization_size_}},
      {"waits", header_.wait_offset,
       header_.wait_count * std::uint64_t{sizeof(SokrCompletionToken)}},
  }};
  for (const Section& section : sections) SOKR_TRY(check_section(section, header_));
  return check_overlap(sections);
}

Result<void> LaunchView::check_sections() const {
  if (!has_sections_in_order()) SOKR_TRY(check_each_section());
  if (header_.entry_size == 0) return {};
  if (const std::size_t zero = entry().find('\0'); zero != std::string_view::npos) {
    return fail(SOKR_INVALID_INPUT, "the entry point's name has a 0 at byte {} of {}", zero,
                header_.entry_size);
  }
  return {};
}

Result<void> LaunchView::check_bindings() const {
  for (std::uint32_t i = 0; i < header_.binding_count; ++i) {
    if (const SokrBinding b = binding(i); !is_good(b)) return explain_binding(b);
  }
  if (binding_size_ == SOKR_BINDING_SIZE_1_0) return {};
  return check_image_members();
}

// None of the bindings is an image.
Result<void> LaunchView::check_image_members() const {
  const std::size_t size = binding_size_;
  for (std::uint32_t i = 0; i < header_.binding_count; ++i) {
    SokrBinding b;
    sokr_copy_sized(&b, sizeof b, element(header_.binding_offset, size, i), size);
    if ((b.sampler | b.first_level | b.level_count | b.first_layer | b.layer_count) == 0) continue;
    return fail(SOKR_INVALID_INPUT,
                "{} has kind {} and a sampler, levels or layers; only an image (kind 3) has them",
                where(b), b.kind);
  }
  return check_surplus("a binding", header_.binding_offset, header_.binding_count, size,
                       sizeof(SokrBinding));
}

std::vector<SokrIrSpecValue> LaunchView::specializations() const {
  std::vector<SokrIrSpecValue> values;
  values.reserve(specialization_count());
  for (std::uint32_t i = 0; i < specialization_count(); ++i) {
    const SokrSpecialization given = specialization(i);
    values.push_back({given.id, given.size, given.value});
  }
  return values;
}

SokrSpecialization LaunchView::specialization(std::uint32_t i) const {
  SokrSpecialization s;
  std::memcpy(&s, element(header_.specialization_offset, specialization_size_, i), sizeof s);
  s.value &= mask_of(s.size);
  return s;
}

Result<void> LaunchView::check_specializations() const {
  const auto twice = [](std::uint32_t id) {
    return fail(SOKR_INVALID_INPUT, "specialization constant {} is given twice", id);
  };
  const std::uint32_t count = header_.specialization_count;
  static_assert(sizeof(SokrSpecialization) == SOKR_SPECIALIZATION_SIZE_1_0, "read as a whole");
  if (specialization_size_ > sizeof(SokrSpecialization)) {
    SOKR_TRY(check_surplus("a specialization constant", header_.specialization_offset, count,
                           specialization_size_, sizeof(SokrSpecialization)));
  }
  std::vector<std::uint32_t> ids;
  if (count > kQuadraticLimit) ids.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const SokrSpecialization s = specialization(i);
    if (s.size != 1 && s.size != 2 && s.size != 4 && s.size != 8) {
      return fail(SOKR_INVALID_INPUT,
                  "specialization constant {} has size {}; it must be 1, 2, 4 or 8 bytes", s.id,
                  s.size);
    }
    if (count > kQuadraticLimit) {
      ids.push_back(s.id);
      continue;
    }
    for (std::uint32_t j = 0; j < i; ++j) {
      if (specialization(j).id == s.id) return twice(s.id);
    }
  }
  std::sort(ids.begin(), ids.end());
  const auto same = std::adjacent_find(ids.begin(), ids.end());
  if (same != ids.end()) return twice(*same);
  return {};
}

Result<void> LaunchView::check_waits() const {
  for (std::uint32_t i = 0; i < header_.wait_count; ++i) {
    if (wait(i) == 0) {
      return fail(SOKR_INVALID_INPUT, "wait {} is not a completion token: its low 48 bits are 0",
                  i);
    }
  }
  return {};
}

CompileKey compile_key(const LaunchView& launch) {
  CompileKey key;
  const auto append = [&key](const auto& value) {
    key.append(reinterpret_cast<const std::uint8_t*>(&value), sizeof value);
  };
  const std::string_view entry = launch.entry();
  append(static_cast<std::uint32_t>(entry.size()));
  key.append(reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size());
  append(launch.local_size());
  append(launch.subgroup_size());

  InlineVector<SokrSpecialization, 8> sorted;
  for (std::uint32_t i = 0; i < launch.specialization_count(); ++i) {
    sorted.push_back(launch.specialization(i));
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (const SokrSpecialization& s : sorted) {
    append(s.id);
    append(s.size);
    append(s.value);
  }
  return key;
}

}  // namespace sokr::substrate
