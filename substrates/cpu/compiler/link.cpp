// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/link.hpp"

#include <elf.h>

#include <cstring>
#include <optional>
#include <string>

namespace sokr::cpu {
namespace {

Failure broken(std::string_view what) {
  return fail(SOKR_DISPATCH_FAILED, "the compiler's object file cannot be linked: {}", what);
}

class Linker {
 public:
  explicit Linker(std::span<const std::uint8_t> object) : object_(object) {}

  Result<Image> run(std::string_view entry) {
    SOKR_TRY(read_headers());
    SOKR_TRY(place_sections());
    SOKR_TRY(relocate());
    for (const auto& symbol : symbols_) {
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= sections_.size()) continue;
      if (name_of(symbol) != entry) continue;
      if (!placed_[symbol.st_shndx]) break;
      image_.entry = *placed_[symbol.st_shndx] + symbol.st_value;
      return std::move(image_);
    }
    return broken(fmt::format("it has no symbol {}", entry));
  }

 private:
  template <class T>
  bool read(std::uint64_t at, T* out) const {
    if (at > object_.size() || object_.size() - at < sizeof(T)) return false;
    std::memcpy(out, object_.data() + at, sizeof(T));
    return true;
  }

  template <class T>
  Result<std::vector<T>> table(const Elf64_Shdr& section) const {
    std::vector<T> rows(section.sh_size / sizeof(T));
    if (section.sh_offset > object_.size() || object_.size() - section.sh_offset < section.sh_size)
      return broken("a section lies outside");
    std::memcpy(rows.data(), object_.data() + section.sh_offset, rows.size() * sizeof(T));
    return rows;
  }

  Result<void> read_headers() {
    if (!read(0, &header_) || std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0 ||
        header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_type != ET_REL)
      return broken("it is no relocatable ELF file");
    sections_.resize(header_.e_shnum);
    for (std::size_t i = 0; i < sections_.size(); ++i)
      if (!read(header_.e_shoff + i * sizeof(Elf64_Shdr), &sections_[i]))
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

  std::string_view name_of(const Elf64_Sym& symbol) const {
    return symbol.st_name < names_.size() ? std::string_view(&names_[symbol.st_name]) : "";
  }

  Result<void> place_sections() {
    placed_.resize(sections_.size());
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      const auto& section = sections_[i];
      if (!(section.sh_flags & SHF_ALLOC) || section.sh_size == 0) continue;
      if (section.sh_flags & SHF_WRITE) return broken("it has writable data");
      if (section.sh_type != SHT_PROGBITS) continue;
      std::uint64_t align = std::max<std::uint64_t>(section.sh_addralign, 1);
      if (align > 4096) return broken("a section wants more than page alignment");
      std::uint64_t at = (image_.bytes.size() + align - 1) / align * align;
      SOKR_ASSIGN(auto bytes, table<std::uint8_t>(section));
      image_.bytes.resize(at);
      image_.bytes.insert(image_.bytes.end(), bytes.begin(), bytes.end());
      placed_[i] = at;
    }
    return {};
  }

  Result<void> relocate() {
    for (const auto& section : sections_) {
      if (section.sh_type != SHT_RELA || section.sh_info >= sections_.size() ||
          !placed_[section.sh_info])
        continue;
      SOKR_ASSIGN(auto rows, table<Elf64_Rela>(section));
      for (const auto& row : rows) {
        std::uint64_t index = ELF64_R_SYM(row.r_info);
        if (index >= symbols_.size()) return broken("a relocation has no symbol");
        const Elf64_Sym& symbol = symbols_[index];
        if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= sections_.size() ||
            !placed_[symbol.st_shndx])
          return broken(fmt::format("it needs the outside symbol \"{}\"", name_of(symbol)));
        std::int64_t target =
            static_cast<std::int64_t>(*placed_[symbol.st_shndx] + symbol.st_value) + row.r_addend;
        SOKR_TRY(apply(ELF64_R_TYPE(row.r_info), *placed_[section.sh_info] + row.r_offset, target));
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

  Result<void> apply(std::uint64_t type, std::uint64_t at, std::int64_t target) {
    std::int64_t delta = target - static_cast<std::int64_t>(at);
    if (header_.e_machine == EM_X86_64) {
      if (type == R_X86_64_PC32 || type == R_X86_64_PLT32)
        return patch(at, UINT32_MAX, static_cast<std::uint32_t>(delta));
    } else if (header_.e_machine == EM_AARCH64) {
      return apply_aarch64(type, at, target, delta);
    }
    return broken(fmt::format("relocation {} is of an unknown kind", type));
  }

  Result<void> apply_aarch64(std::uint64_t type, std::uint64_t at, std::int64_t target,
                             std::int64_t delta) {
    auto low = static_cast<std::uint32_t>(target & 0xfff);
    switch (type) {
      case R_AARCH64_PREL32:
        return patch(at, UINT32_MAX, static_cast<std::uint32_t>(delta));
      case R_AARCH64_CALL26:
      case R_AARCH64_JUMP26:
        return patch(at, 0x03ffffff, static_cast<std::uint32_t>(delta >> 2));
      case R_AARCH64_ADR_PREL_LO21: {
        auto bits = static_cast<std::uint32_t>(delta);
        return patch(at, 0x60ffffe0, (bits & 3) << 29 | (bits >> 2 & 0x7ffff) << 5);
      }
      case R_AARCH64_ADR_PREL_PG_HI21: {
        std::int64_t pages = (target >> 12) - (static_cast<std::int64_t>(at) >> 12);
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

  std::span<const std::uint8_t> object_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Shdr> sections_;
  std::vector<Elf64_Sym> symbols_;
  std::vector<char> names_;
  std::vector<std::optional<std::uint64_t>> placed_;
  Image image_;
};

}  // namespace

Result<Image> link_image(std::span<const std::uint8_t> object, std::string_view entry) {
  return Linker(object).run(entry);
}

}  // namespace sokr::cpu
