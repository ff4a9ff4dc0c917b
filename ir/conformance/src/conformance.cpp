// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <sokr/base/fenced.hpp>
#include <sokr/ir/conformance.hpp>
#include <thread>

#include "calls.hpp"
#include "facts.hpp"

namespace sokr::ir {
namespace {

// As far as the first bytes go.
constexpr std::size_t kFirstBytes = 65536;
constexpr std::size_t kMostFindings = 4;  // of a rule
constexpr std::size_t kMostCuts = 128;    // of a sample
constexpr std::uint32_t kUndeclared = 0x7FFFFFF1;

// One check of one rule.
class Check {
 public:
  Check(const Subject& of, const Calls& to, const Rule& rule, std::vector<Finding>& out)
      : subject(of), calls(to), rule_(rule), out_(out), first_(out.size()) {}

  const Subject& subject;
  const Calls& calls;

  bool is_done() const { return out_.size() - first_ >= kMostFindings; }
  template <class... Args>
  void found(const Sample* sample, fmt::format_string<Args...> format, Args&&... args) {
    if (is_done()) return;
    out_.push_back(
        {rule_.name, sample ? sample->name : "", fmt::format(format, std::forward<Args>(args)...)});
  }
  // True if it is so.
  template <class... Args>
  bool expect(bool is_so, const Sample* sample, fmt::format_string<Args...> format,
              Args&&... args) {
    if (!is_so) found(sample, format, std::forward<Args>(args)...);
    return is_so;
  }

 private:
  const Rule& rule_;
  std::vector<Finding>& out_;
  std::size_t first_;
};

bool is_one_line(const std::string& sentence) {
  return std::none_of(sentence.begin(), sentence.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// Of names that may be null, which another rule minds.
bool is_same_text(const char* one, const char* other) {
  return one == other || (one != nullptr && other != nullptr && std::strcmp(one, other) == 0);
}

// The first line in which they differ.
std::string difference(const std::string& one, const std::string& other) {
  const auto line = [](const std::string& text, std::size_t at) {
    const std::size_t begin = text.rfind('\n', at == 0 ? 0 : at - 1);
    const std::size_t from = begin == std::string::npos || at == 0 ? 0 : begin + 1;
    return text.substr(from, text.find('\n', at) - from);
  };
  const auto [a, b] = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  return fmt::format("'{}' against '{}'", line(one, static_cast<std::size_t>(a - one.begin())),
                     line(other, static_cast<std::size_t>(b - other.begin())));
}

void check_table(Check& check) {
  const SokrIrPlugin& table = check.calls.table();
  check.expect(table.struct_size >= SOKR_SIZE_THROUGH(SokrIrPlugin, free_lowered), nullptr,
               "struct_size is {}, less than in version 1.0", table.struct_size);
  check.expect(table.ir_version >> 16 == SOKR_IR_VERSION >> 16, nullptr,
               "ir_version is {:#x}, of another major version", table.ir_version);
  check.expect(table.name && *table.name, nullptr, "it has no name");
  check.expect(table.version && *table.version, nullptr, "it has no version");
  check.expect(table.format != 0, nullptr, "it reads the format 0");
  check.expect((table.target_count == 0) == (table.targets == nullptr), nullptr,
               "target_count and targets do not go together");
  check.expect(
      table.target_count == 0 || ((table.lower || table.lower_request) && table.free_lowered),
      nullptr, "it has targets, and lacks lower or free_lowered");
}

void check_recognition(Check& check) {
  const auto recognise = check.calls.table().recognise;
  const std::uint8_t none = 0;
  check.expect(recognise(&none, 0) == 0, nullptr, "it recognises an empty file");
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t first = (kFirstBytes + page - 1) / page * page;
  // The first bytes, and behind them a page that nobody can read.
  void* memory =
      mmap(nullptr, first + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return check.found(nullptr, "no memory to check it with");
  mprotect(static_cast<std::byte*>(memory) + first, page, PROT_NONE);
  auto* bytes = static_cast<std::uint8_t*>(memory);
  for (const Sample& sample : check.subject.samples) {
    const int answer = recognise(sample.bytes.data(), sample.bytes.size());
    check.expect(answer == 1, &sample, "recognise says {} of it", answer);
    // At the end of what can be read, byte by byte, and as the start of something huge.
    const std::size_t size = std::min(sample.bytes.size(), first);
    std::memcpy(bytes + first - size, sample.bytes.data(), size);
    check.expect(recognise(bytes + first - size, size) == answer, &sample,
                 "recognise answers otherwise elsewhere in memory");
    for (std::size_t cut = std::min<std::size_t>(size, 64); cut > 0; --cut) {
      std::memcpy(bytes + first - cut, sample.bytes.data(), cut);
      const int cut_answer = recognise(bytes + first - cut, cut);
      check.expect(cut_answer == 0 || cut_answer == 1, &sample, "recognise says {} of {} bytes",
                   cut_answer, cut);
    }
    std::memset(bytes, 0, first);
    std::memcpy(bytes, sample.bytes.data(), size);
    check.expect(recognise(bytes, std::size_t{1} << 40) == answer, &sample,
                 "recognise answers otherwise when more follows");
  }
  munmap(memory, first + page);
}

void check_samples(Check& check) {
  for (const Sample& sample : check.subject.samples) {
    const Answer valid = check.calls.validate(sample.bytes);
    check.expect(valid.code == SOKR_OK, &sample, "validate refuses it with {}: {}",
                 static_cast<int>(valid.code), valid.sentence);
    check.expect(is_one_line(valid.sentence), &sample, "the remark is more than a line");
    const Reflected reflected = check.calls.reflect(sample.bytes);
    check.expect(reflected.code == SOKR_OK && reflected.reflection, &sample,
                 "reflect refuses it with {}: {}", static_cast<int>(reflected.code),
                 reflected.sentence);
  }
}

void expect_refusal(Check& check, const Sample& sample, const char* what, const Answer& answer,
                    bool gave_something, std::size_t size) {
  const bool is_code = answer.code == SOKR_INVALID_IR || answer.code == SOKR_CAPABILITY_DENIED;
  check.expect(is_code, &sample, "{} answers {} to its first {} bytes", what,
               static_cast<int>(answer.code), size);
  if (!is_code) return;
  check.expect(!answer.sentence.empty() && is_one_line(answer.sentence), &sample,
               "{} refuses its first {} bytes without a sentence of one line", what, size);
  check.expect(!gave_something, &sample, "{} refuses its first {} bytes, and gives a result", what,
               size);
}

void check_truncation(Check& check) {
  for (const Sample& sample : check.subject.samples) {
    const std::size_t whole = std::min(sample.whole_from, sample.bytes.size());
    const std::size_t step = std::max<std::size_t>(1, whole / kMostCuts);
    for (std::size_t size = 0; size < whole && !check.is_done(); size += step) {
      const Fenced cut(Bytes(sample.bytes).first(size));
      const Bytes bytes = cut.bytes();
      expect_refusal(check, sample, "validate", check.calls.validate(bytes), false, size);
      const Reflected reflected = check.calls.reflect(bytes);
      expect_refusal(check, sample, "reflect", reflected, reflected.reflection != nullptr, size);
      if (check.calls.table().target_count == 0) continue;
      With with;
      with.target = check.calls.table().targets[0];
      const Lowered lowered = check.calls.lower(bytes, with);
      expect_refusal(check, sample, "lower", lowered, !lowered.is_null, size);
    }
  }
}

void check_sentences(Check& check) {
  const SokrIrPlugin& table = check.calls.table();
  if (check.subject.samples.empty() || !table.validate_request) return;
  const Sample& sample = check.subject.samples[0];
  const Bytes cut(sample.bytes.data(), sample.bytes.size() / 2);
  const SokrIrRequest asked = check.calls.request(cut, {});
  const std::string whole = check.calls.validate(cut).sentence;
  std::array<char, 64> memory{};
  for (std::size_t capacity = 0; capacity <= 40; ++capacity) {
    memory.fill('~');
    (void)table.validate_request(&asked, memory.data(), capacity);
    const bool is_kept =
        std::all_of(memory.begin() + capacity, memory.end(), [](char c) { return c == '~'; });
    check.expect(is_kept, &sample, "more than {} bytes of a sentence were written", capacity);
    if (capacity == 0) continue;
    const auto end = std::find(memory.begin(), memory.begin() + capacity, '\0');
    check.expect(end != memory.begin() + capacity, &sample,
                 "a sentence in {} bytes has no 0 at its end", capacity);
    const std::string_view written(memory.data(), static_cast<std::size_t>(end - memory.begin()));
    check.expect(whole.starts_with(written), &sample, "a sentence in {} bytes is another one",
                 capacity);
  }
  (void)table.validate_request(&asked, nullptr, 0);
}

struct LongerRequest {
  SokrIrRequest known;
  std::uint64_t more;
};
struct LongerValue {
  SokrIrSpecValue known;
  std::uint64_t more;
};

SokrResult ask(Check& check, const SokrIrRequest* request) {
  // What is not written to stays this, and is nothing to be freed.
  const auto* const before = reinterpret_cast<const SokrIrReflection*>(&check);
  const SokrIrReflection* out = before;
  const SokrIrPlugin& table = check.calls.table();
  const SokrResult code = table.reflect_request(request, &out, nullptr, 0);
  if (code == SOKR_OK) {
    if (check.expect(out != nullptr && out != before, nullptr, "a reflection is missing"))
      table.free_reflection(out);
  } else {
    check.expect(out == nullptr, nullptr, "a refused request leaves *out at what it was");
  }
  return code;
}

void check_requests(Check& check) {
  const SokrIrPlugin& table = check.calls.table();
  if (check.subject.samples.empty() || !table.reflect_request) return;
  const Sample& sample = check.subject.samples[0];
  const auto refused = [&](const SokrIrRequest* request, SokrResult code, const char* what) {
    const SokrResult answer = ask(check, request);
    check.expect(answer == code, &sample, "a request {} is answered with {}, not {}", what,
                 static_cast<int>(answer), static_cast<int>(code));
  };
  const SokrIrRequest good = check.calls.request(sample.bytes, {});
  refused(nullptr, SOKR_INVALID_INPUT, "that is null");
  SokrIrRequest request = good;
  request.struct_size = 8;
  refused(&request, SOKR_INVALID_INPUT, "of 8 bytes");
  request = good;
  request.ir_version += 0x10000;
  refused(&request, SOKR_VERSION_MISMATCH, "of the next major version");
  request = good;
  request.ir_version += 7;
  refused(&request, SOKR_OK, "of a later minor version");
  request = good;
  request.data = nullptr;
  refused(&request, SOKR_INVALID_INPUT, "without bytes");
  LongerRequest longer{good, 0};
  longer.known.struct_size = sizeof longer;
  refused(&longer.known, SOKR_OK, "with zeros that only a later version knows");
  longer.more = 1;
  refused(&longer.known, SOKR_CAPABILITY_DENIED, "with something that only a later version knows");
  LongerValue value{{kUndeclared, 4, 1}, 0};
  request = good;
  request.specializations = &value.known;
  request.specialization_count = 1;
  refused(&request, SOKR_OK, "with an id that is not declared");
  request.specialization_size = sizeof value;
  refused(&request, SOKR_OK, "with a longer specialization");
  value.more = 1;
  refused(&request, SOKR_CAPABILITY_DENIED, "with a specialization that says something unknown");
  request.specialization_size = 4;
  refused(&request, SOKR_INVALID_INPUT, "with specializations of 4 bytes");
  request.specializations = nullptr;
  refused(&request, SOKR_INVALID_INPUT, "with specializations that are null");
  check.expect(table.reflect_request(&good, nullptr, nullptr, 0) == SOKR_INVALID_INPUT, &sample,
               "a null place for the reflection is taken");
}

void check_sizes(Check& check) {
  for (const Sample& sample : check.subject.samples) {
    const Reflected now = check.calls.reflect(sample.bytes);
    if (!now.reflection) continue;
    const SokrIrReflection& all = *now.reflection;
    check.expect(SOKR_HAS(SokrIrReflection, &all, extension_count), &sample,
                 "struct_size is {}, less than in version 1.0", all.struct_size);
    if (SOKR_HAS(SokrIrReflection, &all, entry_point_size)) {
      check.expect(all.entry_point_size >= SOKR_IR_ENTRY_POINT_SIZE_1_0, &sample,
                   "entry_point_size is {}", all.entry_point_size);
      check.expect(
          all.spec_constant_count == 0 || all.spec_constant_size >= SOKR_IR_SPEC_CONSTANT_SIZE_1_0,
          &sample, "spec_constant_size is {}", all.spec_constant_size);
    }
    for (const SokrIrEntryPoint& entry : entries_of(all)) {
      if (!has_sizes(all)) continue;
      check.expect(entry.binding_count == 0 || entry.binding_size >= SOKR_IR_BINDING_SIZE_1_0,
                   &sample, "binding_size is {}", entry.binding_size);
      check.expect(
          entry.push_member_count == 0 || entry.push_member_size >= SOKR_IR_PUSH_MEMBER_SIZE_1_0,
          &sample, "push_member_size is {}", entry.push_member_size);
      check.expect(
          entry.port_count == 0 || entry.port_size >= SOKR_SIZE_THROUGH(SokrIrPort, offset),
          &sample, "port_size is {}", entry.port_size);
    }
    // Who calls the function of 1.0 reads its sizes, whatever stands in the structures.
    const Reflected then = check.calls.reflect_1_0(sample.bytes);
    if (!then.reflection) continue;
    const std::uint32_t count = then.reflection->entry_point_count;
    const std::vector<SokrIrEntryPoint> entries = entries_of(all);
    bool is_same = count == entries.size();
    for (std::uint32_t i = 0; is_same && i < count; ++i) {
      SokrIrEntryPoint entry{};
      std::memcpy(&entry,
                  SOKR_ELEMENT(SokrIrEntryPoint, then.reflection->entry_points,
                               SOKR_IR_ENTRY_POINT_SIZE_1_0, i),
                  SOKR_IR_ENTRY_POINT_SIZE_1_0);
      const SokrIrEntryPoint& known = entries[i];
      is_same = is_same_text(entry.name, known.name) && entry.binding_count == known.binding_count;
      const auto bindings = bindings_of(known, has_sizes(all));
      for (std::uint32_t b = 0; is_same && b < entry.binding_count; ++b) {
        const auto* binding =
            SOKR_ELEMENT(SokrIrBinding, entry.bindings, SOKR_IR_BINDING_SIZE_1_0, b);
        is_same = binding->set == bindings[b].set && binding->binding == bindings[b].binding &&
                  is_same_text(binding->name, bindings[b].name);
      }
    }
    check.expect(is_same, &sample, "reflect of version 1.0 gives elements of another size");
  }
}

void check_places(Check& check, const Sample& sample, const SokrIrEntryPoint& entry,
                  const std::vector<SokrIrBinding>& bindings,
                  const std::vector<SokrIrPort>& ports) {
  for (const SokrIrPort& port : ports) {
    if (!check.expect(port.name && *port.name, &sample, "a port has no name")) continue;
    check.expect(port.rank == 0 || port.shape != nullptr, &sample, "port '{}' has no shape",
                 port.name);
    check.expect(port.direction >= SOKR_IR_IN && port.direction <= SOKR_IR_IN_OUT, &sample,
                 "port '{}' has the direction {}", port.name, port.direction);
    if (port.kind == SOKR_IR_PORT_PARAMETER) {
      check.expect(port.offset < entry.push_size, &sample,
                   "port '{}' lies at {}, behind the {} bytes of push constants", port.name,
                   port.offset, entry.push_size);
      continue;
    }
    const bool is_bound = std::any_of(bindings.begin(), bindings.end(), [&](const auto& binding) {
      return binding.set == port.set && binding.binding == port.binding;
    });
    check.expect(is_bound, &sample, "port '{}' is at {}.{}, where no binding is", port.name,
                 port.set, port.binding);
    const auto with_name = [&](const SokrIrPort& other) {
      return other.name && std::strcmp(other.name, port.name) == 0;
    };
    check.expect(std::count_if(ports.begin(), ports.end(), with_name) == 1, &sample,
                 "there are two ports '{}'", port.name);
  }
}

void check_contents(Check& check) {
  for (const Sample& sample : check.subject.samples) {
    const Reflected reflected = check.calls.reflect(sample.bytes);
    if (!reflected.reflection) continue;
    const SokrIrReflection& all = *reflected.reflection;
    const auto entries = entries_of(all);
    check.expect(!entries.empty(), &sample, "it has no entry point");
    for (const SokrIrEntryPoint& entry : entries) {
      check.expect(entry.name && *entry.name, &sample, "an entry point has no name");
      check.expect(
          std::all_of(entry.local_size, entry.local_size + 3, [](auto n) { return n > 0; }),
          &sample, "a workgroup has no invocations");
      const auto bindings = bindings_of(entry, has_sizes(all));
      const auto place = [](const SokrIrBinding& b) {
        return std::uint64_t{b.set} << 32 | b.binding;
      };
      for (std::size_t i = 0; i < bindings.size(); ++i) {
        check.expect(bindings[i].name != nullptr, &sample, "the name of a binding is null");
        check.expect(i == 0 || place(bindings[i - 1]) < place(bindings[i]), &sample,
                     "bindings are not sorted by set and binding, each once");
        check.expect((bindings[i].access & ~std::uint32_t{SOKR_IR_READ | SOKR_IR_WRITE}) == 0,
                     &sample, "binding {}.{} has the access {}", bindings[i].set,
                     bindings[i].binding, bindings[i].access);
      }
      for (const SokrIrPushMember& member : members_of(entry, has_sizes(all))) {
        check.expect(member.name && member.type, &sample,
                     "the name or type of a push constant is null");
        check.expect(std::uint64_t{member.offset} + member.size <= entry.push_size, &sample,
                     "a push constant ends at {}, behind the {} bytes of its block",
                     std::uint64_t{member.offset} + member.size, entry.push_size);
      }
      check_places(check, sample, entry, bindings, ports_of(entry, has_sizes(all)));
    }
    const auto constants = constants_of(all);
    for (std::size_t i = 0; i < constants.size(); ++i) {
      check.expect(constants[i].name != nullptr, &sample, "the name of a constant is null");
      check.expect(i == 0 || constants[i - 1].id < constants[i].id, &sample,
                   "constants are not sorted by id, each once");
    }
  }
}

void check_ownership(Check& check) {
  check.calls.table().free_reflection(nullptr);
  for (const Sample& sample : check.subject.samples) {
    std::string facts;
    Reflected kept;
    {
      std::vector<std::uint8_t> bytes = sample.bytes;
      kept = check.calls.reflect(bytes);
      facts = kept.facts();
      Reflected other = check.calls.reflect(bytes);
      check.expect(other.facts() == facts, &sample, "a second reflection says something else");
      // Zeros end the names of a reflection that points here.
      std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
      if (!check.expect(kept.facts() == facts, &sample,
                        "a reflection changes with the bytes that it was made of"))
        return;
    }
    // The caller's bytes are gone, and so is a reflection of the same.
    check.expect(kept.facts() == facts, &sample, "a reflection changes when another one is freed");
  }
}

const SokrIrPlugin* reader_of(const Subject& subject, std::uint32_t format) {
  for (const SokrIrPlugin* reader : subject.readers)
    if (reader != nullptr && reader->format == format) return reader;
  return nullptr;
}

void compare_lowered(Check& check, const Sample& sample, const Reflected& original,
                     const Lowered& lowered, const Calls& reader, const With& again) {
  const Answer valid = reader.validate(lowered.bytes);
  check.expect(valid.code == SOKR_OK, &sample, "what it is lowered to is not valid: {}",
               valid.sentence);
  const Reflected reflected = reader.reflect(lowered.bytes, again);
  if (!check.expect(reflected.code == SOKR_OK, &sample,
                    "what it is lowered to cannot be reflected: {}", reflected.sentence))
    return;
  check.expect(original.facts() == reflected.facts(), &sample,
               "it is launched otherwise than what it is lowered to: {}",
               difference(original.facts(), reflected.facts()));
}

void check_lowering(Check& check) {
  const SokrIrPlugin& table = check.calls.table();
  for (const Sample& sample : check.subject.samples) {
    for (std::uint32_t i = 0; i < table.target_count; ++i) {
      With with;
      with.target = table.targets[i];
      const Lowered lowered = check.calls.lower(sample.bytes, with);
      if (!check.expect(lowered.code == SOKR_OK && !lowered.is_null, &sample,
                        "lower refuses what is valid: {}", lowered.sentence))
        continue;
      check.expect(check.calls.lower(sample.bytes, with).bytes == lowered.bytes, &sample,
                   "lowered twice, it is two things; hosts keep kernels by their bytes");
      const SokrIrPlugin* reader = reader_of(check.subject, with.target);
      if (reader == nullptr) continue;
      const Calls reads(*reader);
      check.expect(reader->recognise(lowered.bytes.data(), lowered.bytes.size()) == 1, &sample,
                   "what it is lowered to is not recognised");
      compare_lowered(check, sample, check.calls.reflect(sample.bytes), lowered, reads, {});
      With values;
      values.values = sample.specializations;
      compare_lowered(check, sample, check.calls.reflect(sample.bytes, values), lowered, reads,
                      values);
    }
  }
  if (table.target_count == 0 || check.subject.samples.empty()) return;
  const Sample& sample = check.subject.samples[0];
  With wrong;
  wrong.target = 0x3F3F3F3F;
  const Lowered lowered = check.calls.lower(sample.bytes, wrong);
  check.expect(lowered.code == SOKR_INVALID_INPUT && lowered.is_null, &sample,
               "lowering to what is no target is answered with {}", static_cast<int>(lowered.code));
  table.free_lowered(nullptr);
}

void check_specialization(Check& check) {
  for (const Sample& sample : check.subject.samples) {
    const Reflected own = check.calls.reflect(sample.bytes);
    With with;
    with.values.push_back({kUndeclared, 4, 1});
    const Reflected ignored = check.calls.reflect(sample.bytes, with);
    check.expect(ignored.code == SOKR_OK && ignored.facts() == own.facts(), &sample,
                 "an id that is not declared is not ignored: {}", ignored.sentence);
    if (own.reflection == nullptr) continue;
    for (const SokrIrSpecConstant& constant : constants_of(*own.reflection)) {
      With wrong;
      wrong.values.push_back({constant.id, 3, 0});
      const Reflected refused = check.calls.reflect(sample.bytes, wrong);
      check.expect(refused.code == SOKR_INVALID_INPUT && !refused.sentence.empty(), &sample,
                   "a value of 3 bytes for constant {} is answered with {}", constant.id,
                   static_cast<int>(refused.code));
    }
    With sized;
    sized.local_size[0] = 5;
    sized.local_size[1] = sized.local_size[2] = 1;
    const Reflected five = check.calls.reflect(sample.bytes, sized);
    if (!five.reflection) continue;
    for (const SokrIrEntryPoint& entry : entries_of(*five.reflection)) {
      check.expect(
          entry.local_size[0] == 5 && entry.local_size_source == SOKR_IR_LOCAL_SIZE_OVERRIDE,
          &sample, "a workgroup size of 5 that the caller gives is shown as {} from {}",
          entry.local_size[0], entry.local_size_source);
    }
  }
}

void check_threads(Check& check) {
  constexpr std::size_t kThreads = 4;
  constexpr int kRounds = 3;
  struct Seen {
    std::vector<std::string> facts;
    std::vector<std::vector<std::uint8_t>> lowered;
  };
  const auto work = [&](Seen& seen) {
    for (const Sample& sample : check.subject.samples) {
      seen.facts.push_back(check.calls.reflect(sample.bytes).facts());
      seen.facts.push_back(
          check.calls.validate(Bytes(sample.bytes).first(sample.bytes.size() / 2)).sentence);
      if (check.calls.table().target_count == 0) continue;
      With with;
      with.target = check.calls.table().targets[0];
      seen.lowered.push_back(check.calls.lower(sample.bytes, with).bytes);
    }
  };
  Seen alone;
  work(alone);
  std::array<std::vector<Seen>, kThreads> together;
  {
    std::vector<std::jthread> threads;
    for (auto& mine : together) {
      threads.emplace_back([&work, &mine] {
        mine.resize(kRounds);
        for (Seen& seen : mine) work(seen);
      });
    }
  }
  for (const auto& mine : together) {
    for (const Seen& seen : mine) {
      check.expect(seen.facts == alone.facts && seen.lowered == alone.lowered, nullptr,
                   "called by {} threads at once, it answers otherwise than alone", kThreads);
    }
  }
}

struct Row {
  Rule rule;
  void (*check)(Check&);
};

constexpr Row kRows[] = {
    {{"table", "names, versions and functions are there"}, check_table},
    {{"recognition", "recognise says 1 or 0, and looks at the first bytes only"},
     check_recognition},
    {{"samples", "what is valid is validated and reflected"}, check_samples},
    {{"truncation", "what is cut off is refused with a sentence, and nothing is given out"},
     check_truncation},
    {{"sentences", "a sentence stays within its memory, and ends with 0"}, check_sentences},
    {{"requests", "requests of later versions are read or refused, wrong ones refused"},
     check_requests},
    {{"sizes", "elements have the size that stands beside them, or that of version 1.0"},
     check_sizes},
    {{"contents", "a reflection is sorted, named and consistent"}, check_contents},
    {{"ownership", "what is given out belongs to the plugin, and changes with nothing"},
     check_ownership},
    {{"lowering", "what is lowered is launched like the original, and always the same"},
     check_lowering},
    {{"specialization", "values are applied, unknown ids ignored, wrong sizes refused"},
     check_specialization},
    {{"threads", "any thread may call, several at once"}, check_threads},
};

constexpr auto kRules = [] {
  std::array<Rule, std::size(kRows)> rules{};
  for (std::size_t i = 0; i < rules.size(); ++i) rules[i] = kRows[i].rule;
  return rules;
}();

}  // namespace

std::span<const Rule> conformance_rules() {
  return kRules;
}

std::vector<Finding> check_rule(const Subject& subject, std::size_t rule) {
  std::vector<Finding> found;
  const Calls calls(*subject.plugin, subject.doing);
  const SokrIrPlugin& table = calls.table();
  const bool works = table.recognise &&
                     (table.validate || table.validate_with || table.validate_request) &&
                     (table.reflect || table.reflect_request) && table.free_reflection;
  Check first(subject, calls, kRows[0].rule, found);
  kRows[0].check(first);
  if (!works) first.found(nullptr, "a function that every plugin has is null");
  if (rule == 0) return found;
  if (!found.empty()) return {};  // nothing else can be asked
  Check check(subject, calls, kRows[rule].rule, found);
  kRows[rule].check(check);
  return found;
}

std::vector<Finding> check_conformance(const Subject& subject) {
  std::vector<Finding> found;
  for (std::size_t rule = 0; rule < std::size(kRows); ++rule) {
    for (Finding& finding : check_rule(subject, rule)) found.push_back(std::move(finding));
    if (rule == 0 && !found.empty()) break;  // nothing else can be asked
  }
  return found;
}

}  // namespace sokr::ir
