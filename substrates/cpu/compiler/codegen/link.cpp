// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/link.hpp"

#include <elf.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace sokr::cpu {
namespace {

Failure broken(std::string_view what) {
  return fail(SOKR_DISPATCH_FAILED, "the compiler's object file cannot be linked: {}", what);
}

// An object as it is read.
class Object {
 public:
  static Result<Object> read(std::span<const std::uint8_t> bytes) {
    Object object;
    object.bytes_ = bytes;
    if (!bytes.empty()) SOKR_TRY(object.read_headers());
    return object;
  }

  std::uint16_t machine() const { return header_.e_machine; }
  const std::vector<Elf64_Shdr>& sections() const { return sections_; }
  const std::vector<Elf64_Sym>& symbols() const { return symbols_; }
  std::string_view name_of(const Elf64_Sym& symbol) const {
    return symbol.st_name < names_.size() ? std::string_view(&names_[symbol.st_name]) : "";
  }
  // Is it in a section of this object?
  bool defines(const Elf64_Sym& symbol) const {
    return symbol.st_shndx != SHN_UNDEF && symbol.st_shndx < sections_.size();
  }
  const Elf64_Sym* find(std::string_view name) const {
    for (const Elf64_Sym& symbol : symbols_)
      if (ELF64_ST_BIND(symbol.st_info) == STB_GLOBAL && defines(symbol) && name_of(symbol) == name)
        return &symbol;
    return nullptr;
  }
  template <class T>
  Result<std::vector<T>> table(const Elf64_Shdr& section) const {
    std::vector<T> rows(section.sh_size / sizeof(T));
    if (section.sh_offset > bytes_.size() || bytes_.size() - section.sh_offset < section.sh_size)
      return broken("a section lies outside");
    std::memcpy(rows.data(), bytes_.data() + section.sh_offset, rows.size() * sizeof(T));
    return rows;
  }

 private:
  template <class T>
  bool read_at(std::uint64_t at, T* out) const {
    if (at > bytes_.size() || bytes_.size() - at < sizeof(T)) return false;
    std::memcpy(out, bytes_.data() + at, sizeof(T));
    return true;
  }

  Result<void> read_headers() {
    if (!read_at(0, &header_) || std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0 ||
        header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_type != ET_REL)
      return broken("it is no relocatable ELF file");
    sections_.resize(header_.e_shnum);
    for (std::size_t i = 0; i < sections_.size(); ++i)
      if (!read_at(header_.e_shoff + i * sizeof(Elf64_Shdr), &sections_[i]))
        return broken("its section table lies outside");
    for (const auto& section : sections_) {
      if (section.sh_type != SHT_SYMTAB) continue;
      SOKR_ASSIGN(symbols_, table<Elf64_Sym>(section));
      if (section.sh_link >= sections_.size()) return broken("its symbols have no names");
      SOKR_ASSIGN(names_, table<char>(sections_[section.sh_link]));
      names_.push_back('\0');
    }
    return {};
  }

  std::span<const std::uint8_t> bytes_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Shdr> sections_;
  std::vector<Elf64_Sym> symbols_;
  std::vector<char> names_;
};

class Linker {
 public:
  Linker(Object object, Object library)
      : inputs_{Input{std::move(object), {}}, Input{std::move(library), {}}} {
    for (Input& input : inputs_) input.placed.resize(input.object.sections().size());
  }

  Result<Image> run(std::string_view entry) {
    const Object& object = inputs_[kObject].object;
    for (std::size_t i = 0; i < object.sections().size(); ++i) SOKR_TRY(place(kObject, i));
    while (!waiting_.empty()) {
      const Place next = waiting_.back();
      waiting_.pop_back();
      SOKR_TRY(relocate(next));
    }
    const Elf64_Sym* symbol = object.find(entry);
    if (!symbol || !inputs_[kObject].placed[symbol->st_shndx])
      return broken(fmt::format("it has no symbol {}", entry));
    image_.entry = *inputs_[kObject].placed[symbol->st_shndx] + symbol->st_value;
    return std::move(image_);
  }

 private:
  enum Which : std::size_t { kObject, kLibrary };
  struct Input {
    Object object;
    std::vector<std::optional<std::uint64_t>> placed;  // by section: where in the image
  };
  struct Place {
    Which which;
    std::size_t section;
  };

  // A section that is loaded, if it is one, once.
  Result<void> place(Which which, std::size_t index) {
    auto& [object, placed] = inputs_[which];
    const Elf64_Shdr& section = object.sections()[index];
    if (placed[index] || !(section.sh_flags & SHF_ALLOC) || section.sh_size == 0) return {};
    if (section.sh_flags & SHF_WRITE) return broken("it has writable data");
    if (section.sh_type != SHT_PROGBITS) return {};
    std::uint64_t align = std::max<std::uint64_t>(section.sh_addralign, 1);
    if (align > 4096) return broken("a section wants more than page alignment");
    std::uint64_t at = (image_.bytes.size() + align - 1) / align * align;
    SOKR_ASSIGN(auto bytes, object.table<std::uint8_t>(section));
    image_.bytes.resize(at);
    image_.bytes.insert(image_.bytes.end(), bytes.begin(), bytes.end());
    placed[index] = at;
    waiting_.push_back({which, index});
    return {};
  }

  // Where a symbol that an input names lies in the image.
  Result<std::uint64_t> address(Which which, std::uint64_t index) {
    const Object& object = inputs_[which].object;
    if (index >= object.symbols().size()) return broken("a relocation has no symbol");
    const Elf64_Sym* symbol = &object.symbols()[index];
    const std::string_view name = object.name_of(*symbol);
    if (which == kObject && symbol->st_shndx == SHN_UNDEF && !name.empty()) {
      which = kLibrary;
      symbol = inputs_[kLibrary].object.find(name);
    }
    if (symbol && inputs_[which].object.defines(*symbol)) {
      SOKR_TRY(place(which, symbol->st_shndx));
      if (const auto& at = inputs_[which].placed[symbol->st_shndx]) return *at + symbol->st_value;
    }
    return broken(fmt::format("it needs the outside symbol \"{}\"", name));
  }

  Result<void> relocate(const Place& from) {
    const Object& object = inputs_[from.which].object;
    for (const Elf64_Shdr& section : object.sections()) {
      if (section.sh_type != SHT_RELA || section.sh_info != from.section) continue;
      SOKR_ASSIGN(auto rows, object.table<Elf64_Rela>(section));
      for (const auto& row : rows) {
        SOKR_ASSIGN(const std::uint64_t symbol, address(from.which, ELF64_R_SYM(row.r_info)));
        SOKR_TRY(apply(ELF64_R_TYPE(row.r_info),
                       *inputs_[from.which].placed[from.section] + row.r_offset,
                       static_cast<std::int64_t>(symbol) + row.r_addend));
      }
    }
    return {};
  }

  Result<void> patch(std::uint64_t at, std::uint32_t mask, std::uint32_t bits) {
    if (at + 4 > image_.bytes.size()) return broken("a relocation lies outside");
    std::uint32_t word = 0;
    std::memcpy(&word, &image_.bytes[at], 4);
    word = (word & ~mask) | (bits & mask);
    std::memcpy(&image_.bytes[at], &word, 4);
    return {};
  }

  // A distance for which an instruction has so many bits, one of them its sign.
  Result<void> reaches(std::int64_t distance, unsigned bits) const {
    const std::int64_t most = INT64_C(1) << (bits - 1);
    if (distance >= -most && distance < most) return {};
    return broken(
        fmt::format("an instruction reaches {} from where it is, and wants {}", most, distance));
  }

  Result<void> apply(std::uint64_t type, std::uint64_t at, std::int64_t target) {
    std::int64_t delta = target - static_cast<std::int64_t>(at);
    const std::uint16_t machine = inputs_[kObject].object.machine();
    if (machine == EM_X86_64) {
      if (type == R_X86_64_PC32 || type == R_X86_64_PLT32) {
        SOKR_TRY(reaches(delta, 32));
        return patch(at, UINT32_MAX, static_cast<std::uint32_t>(delta));
      }
    } else if (machine == EM_AARCH64) {
      return apply_aarch64(type, at, target, delta);
    }
    return broken(
        fmt::format("relocation {} of ELF machine {} is of an unknown kind", type, machine));
  }

  Result<void> apply_aarch64(std::uint64_t type, std::uint64_t at, std::int64_t target,
                             std::int64_t delta) {
    auto low = static_cast<std::uint32_t>(target & 0xfff);
    switch (type) {
      case R_AARCH64_PREL32:
        SOKR_TRY(reaches(delta, 32));
        return patch(at, UINT32_MAX, static_cast<std::uint32_t>(delta));
      case R_AARCH64_CALL26:
      case R_AARCH64_JUMP26:
        SOKR_TRY(reaches(delta, 28));
        return patch(at, 0x03ffffff, static_cast<std::uint32_t>(delta >> 2));
      case R_AARCH64_ADR_PREL_LO21: {
        SOKR_TRY(reaches(delta, 21));
        auto bits = static_cast<std::uint32_t>(delta);
        return patch(at, 0x60ffffe0, (bits & 3) << 29 | (bits >> 2 & 0x7ffff) << 5);
      }
      case R_AARCH64_ADR_PREL_PG_HI21: {
        std::int64_t pages = (target >> 12) - (static_cast<std::int64_t>(at) >> 12);
        SOKR_TRY(reaches(pages, 21));
        auto bits = static_cast<std::uint32_t>(pages);
        return patch(at, 0x60ffffe0, (bits & 3) << 29 | (bits >> 2 & 0x7ffff) << 5);
      }
      case R_AARCH64_ADD_ABS_LO12_NC:
      case R_AARCH64_LDST8_ABS_LO12_NC:
        return patch(at, 0x003ffc00, low << 10);
      case R_AARCH64_LDST16_ABS_LO12_NC:
        return patch(at, 0x003ffc00, low >> 1 << 10);
      case R_AARCH64_LDST32_ABS_LO12_NC:
        return patch(at, 0x003ffc00, low >> 2 << 10);
      case R_AARCH64_LDST64_ABS_LO12_NC:
        return patch(at, 0x003ffc00, low >> 3 << 10);
      case R_AARCH64_LDST128_ABS_LO12_NC:
        return patch(at, 0x003ffc00, low >> 4 << 10);
      default:
        return broken(fmt::format("AArch64 relocation {} is of an unknown kind", type));
    }
  }

  std::array<Input, 2> inputs_;
  std::vector<Place> waiting_;  // sections that were placed and not relocated yet
  Image image_;
};

}  // namespace

Result<Image> link_image(std::span<const std::uint8_t> object,
                         std::span<const std::uint8_t> library, std::string_view entry) {
  SOKR_ASSIGN(Object main, Object::read(object));
  SOKR_ASSIGN(Object other, Object::read(library));
  return Linker(std::move(main), std::move(other)).run(entry);
}

Result<std::vector<std::string>> defined_names(std::span<const std::uint8_t> object) {
  SOKR_ASSIGN(const Object read, Object::read(object));
  std::vector<std::string> names;
  for (const Elf64_Sym& symbol : read.symbols())
    if (ELF64_ST_BIND(symbol.st_info) == STB_GLOBAL && read.defines(symbol))
      names.emplace_back(read.name_of(symbol));
  return names;
}

}  // namespace sokr::cpu
