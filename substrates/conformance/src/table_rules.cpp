// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <thread>

#include "tried.hpp"

namespace sokr::substrate {
namespace {

bool is_one_line(const std::string& sentence) {
  return !sentence.empty() && std::none_of(sentence.begin(), sentence.end(),
                                           [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// Fails once, so that there is a sentence: every format is refused that it does not list.
SokrResult fail_once(const Tried& tried) {
  const std::uint8_t byte = 0;
  std::uint32_t format = 0x3F3F3F3F;
  while (tried.takes(format)) ++format;
  return tried.capability(format, Bytes(&byte, 1));
}

}  // namespace

// ---- Diagnostics -----------------------------------------------------------------------------

void check_sentences(Check& check) {
  const Tried& tried = check.tried;
  if (!tried.diagnostics()) return check.not_tried("it has no diagnostics table");
  // The sentence of the refusal before it would hide that one is missing.
  const auto refused = [&](const char* what, auto call) {
    const auto once = [&] {
      std::string sentence;
      SokrResult code = SOKR_OK;
      std::jthread([&] {
        code = call();
        sentence = tried.last_error();
      }).join();
      if (code == SOKR_OK) return;
      check.expect(is_one_line(sentence), "{} is refused with {}, and the sentence is '{}'", what,
                   code_text(code), sentence);
    };
    once();
  };
  refused("a format of nobody", [&] { return fail_once(tried); });
  const std::vector<std::uint8_t> bytes(64, 0xFF);
  for (const std::uint32_t format : tried.formats())
    refused("a computation of no meaning", [&] { return tried.capability(format, bytes); });
  refused("a dispatch of no meaning", [&] { return tried.dispatch(bytes, bytes).code; });
  for (const Sample& sample : check.subject.samples) {
    refused("a launch of no meaning", [&] { return tried.dispatch(sample.ir, bytes).code; });
    if (sample.params.size() < 8) continue;
    const Bytes cut = Bytes(sample.params).first(sample.params.size() / 2);
    refused("half a launch", [&] { return tried.dispatch(sample.ir, cut).code; });
  }
  if (tried.memory() && tried.memory()->free)
    refused("a buffer that is none", [&] { return tried.memory()->free(UINT64_MAX); });
  if (tried.kernels())
    refused("a kernel that is none", [&] { return tried.kernels()->release(UINT64_MAX); });
}

void check_sentence_memory(Check& check) {
  if (!check.tried.diagnostics()) return check.not_tried("it has no diagnostics table");
  const auto last_error = check.tried.diagnostics()->last_error;
  (void)fail_once(check.tried);
  const std::string whole = check.tried.last_error();
  std::array<char, 64> memory{};
  for (std::size_t capacity = 0; capacity <= 40; ++capacity) {
    memory.fill('~');
    const std::size_t size = last_error(memory.data(), capacity);
    const auto end = memory.begin() + static_cast<std::ptrdiff_t>(capacity);
    check.expect(size == whole.size(), "of a sentence of {} bytes the length {} is returned",
                 whole.size(), size);
    check.expect(std::all_of(end, memory.end(), [](char c) { return c == '~'; }),
                 "more than {} bytes of a sentence were written", capacity);
    if (capacity == 0) continue;
    const auto zero = std::find(memory.begin(), end, '\0');
    check.expect(zero != end, "a sentence in {} bytes has no 0 at its end", capacity);
    check.expect(whole.starts_with(std::string_view(
                     memory.data(), static_cast<std::size_t>(zero - memory.begin()))),
                 "a sentence in {} bytes is another one", capacity);
  }
  check.expect(last_error(nullptr, 0) == whole.size(), "with no memory the length is another");
}

void check_sentence_threads(Check& check) {
  if (!check.tried.diagnostics()) return check.not_tried("it has no diagnostics table");
  (void)fail_once(check.tried);
  const std::string before = check.tried.last_error();
  std::string others;
  std::jthread([&] {
    others = check.tried.last_error();
    (void)check.tried.dispatch({}, {});
  }).join();
  check.expect(others.empty(), "a thread of which nothing failed is told '{}'", others);
  const std::string after = check.tried.last_error();
  check.expect(after == before, "when another thread's call fails, '{}' becomes '{}'", before,
               after);
}

void check_unknown_diagnostics(Check& check) {
  if (!check.tried.diagnostics()) return check.not_tried("it has no diagnostics table");
  const SokrDiagnosticsTable& table = *check.tried.diagnostics();
  char out[256] = "~";
  if (table.completion_error) {
    const std::size_t size = table.completion_error(SOKR_PLUGIN_TOKEN_MAX, out, sizeof out);
    check.expect(size == 0 && out[0] == 0, "a launch that never was failed because '{:.80}'", out);
    (void)table.completion_error(SOKR_PLUGIN_TOKEN_MAX, nullptr, 0);
  }
  if (table.timing) {
    SokrTiming timing{sizeof timing, 0, 0};
    const SokrResult code = table.timing(SOKR_PLUGIN_TOKEN_MAX, &timing);
    check.expect(code == SOKR_NOT_FOUND, "the time of a launch that never was is {}",
                 code_text(code));
  }
  if (!SOKR_HAS(SokrDiagnosticsTable, &table, statistics) || !table.statistics) return;
  std::array<SokrStatistic, 64> counters{};
  SokrStatistics all{sizeof all, sizeof(SokrStatistic), counters.data(), 64, 0};
  SokrResult code = table.statistics(&all);
  check.expect(code == SOKR_OK, "its counters cannot be read: {}", code_text(code));
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < std::min(all.count, 64u); ++i) {
    if (check.expect(counters[i].name != nullptr, "counter {} has no name", i))
      check.expect(names.insert(counters[i].name).second, "the counter '{}' is there twice",
                   counters[i].name);
  }
  SokrStatistics none{sizeof none, sizeof(SokrStatistic), nullptr, 0, 0};
  code = table.statistics(&none);
  check.expect(code == SOKR_OK && none.count == all.count,
               "without room it counts {} counters, not {}", none.count, all.count);
  check.expect(table.statistics(nullptr) != SOKR_OK, "it writes counters to nowhere");
}

// ---- Memory ----------------------------------------------------------------------------------

namespace {

constexpr std::uint64_t kSize = 1003;

const SokrMemoryTable* memory_of(Check& check) {
  const auto& table = check.tried.memory();
  check.tried.at("the memory table");
  if (table && table->create && table->free && table->write && table->read) return &*table;
  check.not_tried("it has no buffers of its own");
  return nullptr;
}

SokrBuffer create(Check& check, const SokrMemoryTable& memory, std::uint64_t size = kSize) {
  SokrBuffer buffer = 0;
  const SokrResult code = memory.create(size, SOKR_BUFFER_DEFAULT, &buffer);
  check.expect(code == SOKR_OK && buffer != 0, "a buffer of {} bytes is not made: {}{}", size,
               code_text(code), check.tried.reason());
  return buffer;
}

}  // namespace

void check_buffers(Check& check) {
  const SokrMemoryTable* memory = memory_of(check);
  if (!memory) return;
  const SokrBuffer one = create(check, *memory), other = create(check, *memory);
  if (!one || !other) return;
  std::vector<std::uint8_t> wanted(kSize), seen(kSize, 0xEE);
  for (std::size_t i = 0; i < kSize; ++i) wanted[i] = static_cast<std::uint8_t>(i * 7 + 1);
  const auto holds = [&](SokrBuffer buffer, const std::vector<std::uint8_t>& right,
                         const char* what) {
    std::fill(seen.begin(), seen.end(), std::uint8_t{0xEE});
    const SokrResult code = memory->read(buffer, 0, seen.data(), kSize);
    check.expect(code == SOKR_OK && seen == right, "{} ({})", what, code_text(code));
  };
  holds(one, std::vector<std::uint8_t>(kSize), "a new buffer is not zeros");
  (void)memory->write(one, 0, wanted.data(), kSize);
  holds(one, wanted, "a buffer does not hold what was written to it");
  holds(other, std::vector<std::uint8_t>(kSize), "another buffer was written too");
  (void)memory->write(one, 100, wanted.data(), 10);
  std::copy_n(wanted.begin(), 10, wanted.begin() + 100);
  holds(one, wanted, "a part of a buffer is not written to its place");
  if (SOKR_HAS(SokrMemoryTable, memory, copy) && memory->copy) {
    (void)memory->copy(one, 0, other, 0, kSize);
    holds(other, wanted, "a buffer does not hold what was copied to it");
  }
  check.expect(memory->free(one) == SOKR_OK && memory->free(other) == SOKR_OK,
               "a buffer cannot be freed");
}

void check_bad_buffers(Check& check) {
  const SokrMemoryTable* memory = memory_of(check);
  if (!memory) return;
  const SokrBuffer buffer = create(check, *memory);
  if (!buffer) return;
  std::array<std::uint8_t, 16> bytes{};
  bytes.fill(0xAB);
  const auto refused = [&](const char* what, SokrResult code) {
    check.expect(code != SOKR_OK, "{} is accepted", what);
  };
  SokrBuffer made = 0;
  refused("a buffer of 0 bytes", memory->create(0, SOKR_BUFFER_DEFAULT, &made));
  refused("a null place for a handle", memory->create(16, SOKR_BUFFER_DEFAULT, nullptr));
  for (const SokrBuffer none : {UINT64_C(0), UINT64_MAX, buffer ^ UINT64_C(1) << 55}) {
    refused("a read of a handle that is none", memory->read(none, 0, bytes.data(), 4));
    refused("a write to a handle that is none", memory->write(none, 0, bytes.data(), 4));
    refused("freeing a handle that is none", memory->free(none));
  }
  const std::pair<std::uint64_t, std::uint64_t> ranges[] = {{kSize, 1},          {kSize - 3, 4},
                                                            {0, kSize + 1},      {UINT64_MAX, 1},
                                                            {UINT64_MAX - 2, 8}, {8, UINT64_MAX}};
  std::vector<std::uint8_t> large(kSize + 1, 0xAB);
  for (const auto& [offset, size] : ranges) {
    refused("a read behind the end", memory->read(buffer, offset, large.data(), size));
    refused("a write behind the end", memory->write(buffer, offset, large.data(), size));
  }
  check.expect(std::all_of(large.begin(), large.end(), [](auto b) { return b == 0xAB; }),
               "a read that was refused wrote to the host's memory");
  refused("a read to null", memory->read(buffer, 0, nullptr, 4));
  refused("a write from null", memory->write(buffer, 0, nullptr, 4));
  std::vector<std::uint8_t> now(kSize, 0xEE);
  (void)memory->read(buffer, 0, now.data(), kSize);
  check.expect(now == std::vector<std::uint8_t>(kSize), "a write that was refused wrote something");
  (void)memory->free(buffer);
}

void check_buffer_handles(Check& check) {
  const SokrMemoryTable* memory = memory_of(check);
  if (!memory) return;
  std::set<SokrBuffer> seen;
  std::uint8_t byte = 0;
  for (int i = 0; i < 64 && !check.is_done(); ++i) {
    const SokrBuffer buffer = create(check, *memory, 64);
    if (!buffer) return;
    check.expect(seen.insert(buffer).second, "the handle {:#x} was given out twice", buffer);
    check.expect(memory->free(buffer) == SOKR_OK, "the handle {:#x} cannot be freed", buffer);
    check.expect(memory->read(buffer, 0, &byte, 1) != SOKR_OK, "a buffer that was freed is read");
    check.expect(memory->free(buffer) != SOKR_OK, "a buffer can be freed twice");
  }
}

}  // namespace sokr::substrate
