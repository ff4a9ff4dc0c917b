// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any bytes as the notes of a plugin file, and as a whole file: what is declared does not depend
// on what stands behind the notes, a second reading adds nothing, and of a file is read only what
// lies in it. The first byte chooses.
#include <elf.h>
#include <sokr/compute.h>
#include <sys/mman.h>
#include <unistd.h>

#include "declaration.hpp"
#include "fuzzing.hpp"
#include "library_file.hpp"

namespace {

using sokr::fuzzing::require;
using sokr::fuzzing::require_sentence;
using sokr::host::check_library_file;
using sokr::host::Declaration;

using Bytes = std::vector<std::byte>;

bool same(const Declaration& a, const Declaration& b) {
  if (a.text() != b.text() || a.empty() != b.empty() || a.may_read_ir() != b.may_read_ir() ||
      a.may_offer_any() != b.may_offer_any()) {
    return false;
  }
  for (std::uint32_t kind = 0; kind < 40; ++kind) {
    if (a.may_offer_kind(kind) != b.may_offer_kind(kind)) return false;
  }
  return true;
}

// What is said about names and kinds fits together.
void require_consistent(const Declaration& declares) {
  const std::string text = declares.text();
  require(declares.empty() == (text == "nothing"), text);
  require(declares.may_offer_any() || declares.may_read_ir());
  if (declares.empty()) require(declares.may_offer("anything") && declares.may_offer_kind(3));
  if (!declares.may_offer_any()) require(!declares.may_offer("cpu"), text);
  require(declares.may_offer("cpu") == declares.may_offer("cpu:7"), text);
}

void check_notes(const Bytes& notes, std::size_t alignment) {
  Declaration once, twice;
  const auto result = once.read_notes(notes, alignment);
  if (!result) return require_sentence(result.failure().sentence);
  require_consistent(once);
  require(twice.read_notes(notes, alignment).ok() && same(once, twice));
  require(twice.read_notes(notes, alignment).ok() && twice.empty() == once.empty());
  for (std::uint32_t kind = 0; kind < 40; ++kind) {
    require(twice.may_offer_kind(kind) == once.may_offer_kind(kind));
  }
  for (const char* name : {"cpu", "vulkan:0", "a", ""}) {
    require(twice.may_offer(name) == once.may_offer(name), name);
  }
}

// The file that check_library_file is given: a name that leads to memory.
class File {
 public:
  File() : descriptor_(::memfd_create("library", MFD_CLOEXEC)) { require(descriptor_ >= 0); }
  std::string name() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  void write(const Bytes& bytes) const {
    require(::ftruncate(descriptor_, 0) == 0);
    require(::pwrite(descriptor_, bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
  }

 private:
  int descriptor_;
};

template <class T>
T load(const Bytes& bytes, std::uint64_t at) {
  T value{};
  require(at <= bytes.size() && sizeof value <= bytes.size() - at, "a table beyond the file");
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void check_file(const Bytes& bytes) {
  static const File file;
  file.write(bytes);
  const auto facts = check_library_file(file.name());
  if (!facts) return require_sentence(facts.failure().sentence);
  // What dlopen would map lies in the file, and the notes are those of its segments.
  const auto header = load<Elf64_Ehdr>(bytes, 0);
  require(header.e_type == ET_DYN);
  Declaration declares;
  std::size_t notes_left = 65536;  // that are read of one file
  for (std::uint32_t i = 0; i < header.e_phnum; ++i) {
    const auto segment = load<Elf64_Phdr>(bytes, header.e_phoff + i * sizeof(Elf64_Phdr));
    const bool notes = segment.p_type == PT_NOTE && segment.p_filesz <= notes_left;
    if ((segment.p_type != PT_LOAD && !notes) || segment.p_filesz == 0) continue;
    require(segment.p_offset <= bytes.size() &&
            segment.p_filesz <= bytes.size() - segment.p_offset);
    if (!notes) continue;
    notes_left -= segment.p_filesz;
    require(declares
                .read_notes(std::span(bytes).subspan(segment.p_offset, segment.p_filesz),
                            segment.p_align)
                .ok());
  }
  require(same(declares, facts->declares));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span(data, size)).subspan(1);
  const Bytes bytes(rest.begin(), rest.end());
  if (data[0] % 2 == 0) {
    check_notes(bytes, data[0] / 2);
  } else {
    check_file(bytes);
  }
  return 0;
}

namespace {

template <class T>
std::string text_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Two segments: the whole file, and its notes at the end.
std::string library(const std::string& notes) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
#if defined(__x86_64__)
  header.e_machine = EM_X86_64;
#elif defined(__aarch64__)
  header.e_machine = EM_AARCH64;
#endif
  header.e_type = ET_DYN;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  Elf64_Phdr all{}, note{};
  all.p_type = PT_LOAD;
  all.p_filesz = sizeof header + 2 * sizeof all + notes.size();
  note.p_type = PT_NOTE;
  note.p_align = 4;
  note.p_offset = sizeof header + 2 * sizeof all;
  note.p_filesz = notes.size();
  return text_of(header) + text_of(all) + text_of(note) + notes;
}

sokr::fuzzing::Mutator make_mutator() {
  const std::string ours = text_of(SokrPluginNote{5, 64, SOKR_NOTE_SUBSTRATES, "SOKR",
                                                  SOKR_KIND_BIT(SOKR_KIND_CPU), "cpu,vulkan"});
  const std::string ir("\x05\0\0\0\x04\0\0\0\x02\0\0\0SOKR\0\0\0\0\x03\x02\x23\x07", 24);
  const std::string build("\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0abcd", 20);
  return {{std::string("\x08") + ours, std::string("\x08") + build + ours + ir,
           std::string("\x10") + ir, std::string("\x01") + library(build + ours),
           std::string("\x01") + library(ir)},
          {ours, ir, build, std::string("SOKR\0\0\0\0", 8), std::string("\x05\0\0\0", 4),
           std::string("\xff\xff\xff\xff", 4), std::string("\xfd\xff\xff\xff", 4), ",", ":0", "cpu",
           std::string("\x04\0\0\0", 4), std::string("\x01\0\0\0", 4), std::string(8, '\xff')}};
}

}  // namespace

SOKR_FUZZ_MUTATOR(make_mutator);
