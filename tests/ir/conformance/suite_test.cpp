// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The suite itself: a plugin that keeps every rule passes, and each that breaks one is found by
// the rule that it breaks.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <set>
#include <sokr/ir/conformance.hpp>
#include <sokr/ir/exporter.hpp>

namespace sokr::ir {
namespace {

enum class Flaw {
  kNone,
  kNoName,
  kTargetsWithoutLower,
  kAnswersTwo,
  kReadsAllOfIt,
  kRefusesWhatIsValid,
  kTakesHalf,
  kTwoLines,
  kWritesTooMuch,
  kTakesLaterRequests,
  kAlwaysOldSizes,
  kNotSorted,
  kNoEntryName,
  kNoConstantName,
  kPushBehindBlock,
  kPortOfNoBinding,
  kKeepsCallersBytes,
  kLowersToOtherSize,
  kLowersDifferently,
  kTakesUnknownTarget,
  kMindsUnknownIds,
  kTakesWrongSizes,
  kIgnoresLocalSize,
  kOneResultForAllThreads,
};
Flaw flaw = Flaw::kNone;
bool has(Flaw one) {
  return flaw == one;
}

// "TOY" and its kind, which is what it lowers to; then the workgroup size, and "!".
constexpr std::uint32_t kText = 0x544F5954, kBinary = 0x544F5942;

template <std::uint32_t Format>
class Toy {
 public:
  static constexpr const char* kName = "toy";
  static constexpr const char* kVersion = "1";
  static constexpr std::uint32_t kFormat = Format;
  static constexpr std::size_t kRecognised = 4;
  static constexpr std::array<std::uint32_t, 1> kTargets{kBinary};

  static bool recognise(std::span<const std::uint8_t> first) {
    return first.size() == 4 && std::memcmp(first.data(), "TOY", 3) == 0 &&
           first[3] == (Format & 0xFF);
  }

  static Result<std::uint8_t> size(const Request& request) {
    if (request.bytes.size() < 4 || !recognise(request.bytes.first(4)))
      return fail(SOKR_INVALID_IR, "it does not begin with TOY");
    if (has(Flaw::kTakesHalf) && request.bytes.size() > 4) return request.bytes[4];
    if (request.bytes.size() < 6 || request.bytes[5] != '!')
      return fail(SOKR_INVALID_IR, "the ! at its end is missing");
    return request.bytes[4];
  }

  static Result<std::string> validate(const Request& request) {
    if (has(Flaw::kRefusesWhatIsValid)) return fail(SOKR_INVALID_IR, "no");
    SOKR_TRY(size(request));
    return std::string();
  }

  static Result<Reflection> reflect(const Request& request) {
    SOKR_ASSIGN(const std::uint8_t own, size(request));
    std::uint32_t width = own;
    for (std::uint32_t i = 0; i < request.specializations.size(); ++i) {
      const SokrIrSpecValue value = request.specializations[i];
      if (value.id != 0) {
        if (has(Flaw::kMindsUnknownIds))
          return fail(SOKR_INVALID_INPUT, "no constant {}", value.id);
        continue;
      }
      if (value.size != 4 && !has(Flaw::kTakesWrongSizes))
        return fail(SOKR_INVALID_INPUT, "the constant has 4 bytes");
      width = static_cast<std::uint32_t>(value.value);
    }
    Reflection all;
    all.entry_points.push_back(entry(width, request));
    all.spec_constants.push_back({0, SOKR_IR_U32, own, 1, "width"});
    return all;
  }

  static EntryReflection entry(std::uint32_t width, const Request& request) {
    EntryReflection entry;
    entry.name = "main";
    entry.local_size[0] = width;
    if (request.local_size[0] != 0 && !has(Flaw::kIgnoresLocalSize)) {
      entry.local_size = request.local_size;
      entry.local_size_source = SOKR_IR_LOCAL_SIZE_OVERRIDE;
    }
    for (const std::uint32_t at : {0u, 1u}) {
      Binding binding;
      binding.binding = has(Flaw::kNotSorted) ? 1 - at : at;
      binding.name = at == 0 ? "x" : "y";
      entry.bindings.push_back(std::move(binding));
    }
    Port port;
    port.name = "x";
    port.shape = {SOKR_IR_ANY_EXTENT};
    port.binding = has(Flaw::kPortOfNoBinding) ? 7 : 0;
    entry.ports.push_back(std::move(port));
    entry.push_constants.push_back({"n", 0, 4, "u32", 4});
    entry.push_constant_size = has(Flaw::kPushBehindBlock) ? 2 : 4;
    return entry;
  }

  static Result<std::vector<std::uint8_t>> lower(const Request& request) {
    SOKR_ASSIGN(std::uint8_t own, size(request));
    static std::atomic<std::uint8_t> count{0};
    if (has(Flaw::kLowersToOtherSize)) ++own;
    std::vector<std::uint8_t> out{'T', 'O', 'Y', 'B', own, '!', 0};
    if (has(Flaw::kLowersDifferently)) out.push_back(++count);
    return out;
  }
};

using Text = Toy<kText>;
const SokrIrPlugin& honest = Exporter<Text>::kTable;

// What the exporter does not let a class do wrong.
int bad_recognise(const std::uint8_t* data, std::size_t size) {
  if (has(Flaw::kReadsAllOfIt)) {
    for (std::size_t i = 0; i < size && i < 65536; ++i)
      if (data[i] == 0xEE) return 0;
    return honest.recognise(data, size) == 1 && size < 100000;
  }
  return honest.recognise(data, size) ? 2 : 0;
}

SokrResult bad_validate(const SokrIrRequest* request, char* sentence, std::size_t capacity) {
  const SokrResult code = honest.validate_request(request, sentence, capacity);
  if (sentence == nullptr || capacity == 0) return code;
  if (has(Flaw::kTwoLines) && code != SOKR_OK && capacity > 2) sentence[1] = '\n';
  if (has(Flaw::kWritesTooMuch) && capacity < 60) sentence[capacity] = 0;
  return code;
}

SokrResult bad_reflect(const SokrIrRequest* request, const SokrIrReflection** out, char* sentence,
                       std::size_t capacity) {
  if (has(Flaw::kTakesLaterRequests) && request != nullptr) {
    SokrIrRequest known = *request;
    known.struct_size = std::min<std::uint32_t>(known.struct_size, sizeof known);
    return honest.reflect_request(&known, out, sentence, capacity);
  }
  if (has(Flaw::kAlwaysOldSizes)) {
    const SokrResult code = honest.reflect_request(request, out, sentence, capacity);
    // As if what lies behind were elements of 1.0 with a size that is none.
    if (code == SOKR_OK) const_cast<SokrIrReflection*>(*out)->entry_point_size = 16;
    return code;
  }
  const SokrResult code = honest.reflect_request(request, out, sentence, capacity);
  static std::atomic<std::uint32_t> inside{0};
  if (code == SOKR_OK && has(Flaw::kOneResultForAllThreads)) {
    // Counts its callers, as a plugin does that keeps state.
    auto* entry = const_cast<SokrIrEntryPoint*>((*out)->entry_points);
    entry->workgroup_bytes = ++inside / 8;
  }
  if (code == SOKR_OK && has(Flaw::kKeepsCallersBytes)) {
    auto* entry = const_cast<SokrIrEntryPoint*>((*out)->entry_points);
    entry->name = reinterpret_cast<const char*>(request->data);
  }
  if (code == SOKR_OK && has(Flaw::kNoEntryName))
    const_cast<SokrIrEntryPoint*>((*out)->entry_points)->name = nullptr;
  if (code == SOKR_OK && has(Flaw::kNoConstantName))
    const_cast<SokrIrSpecConstant*>((*out)->spec_constants)->name = nullptr;
  return code;
}

SokrResult bad_lower(const SokrIrRequest* request, std::uint8_t** out, std::size_t* size,
                     char* sentence, std::size_t capacity) {
  SokrIrRequest known = *request;
  known.target = kBinary;
  return honest.lower_request(&known, out, size, sentence, capacity);
}

SokrIrPlugin table_with(Flaw with) {
  flaw = with;
  SokrIrPlugin table = honest;
  if (has(Flaw::kNoName)) table.name = "";
  if (has(Flaw::kTargetsWithoutLower)) table.lower = nullptr, table.lower_request = nullptr;
  if (has(Flaw::kAnswersTwo) || has(Flaw::kReadsAllOfIt)) table.recognise = bad_recognise;
  if (has(Flaw::kTwoLines) || has(Flaw::kWritesTooMuch)) table.validate_request = bad_validate;
  if (has(Flaw::kTakesLaterRequests) || has(Flaw::kAlwaysOldSizes) ||
      has(Flaw::kOneResultForAllThreads) || has(Flaw::kKeepsCallersBytes) ||
      has(Flaw::kNoEntryName) || has(Flaw::kNoConstantName))
    table.reflect_request = bad_reflect;
  if (has(Flaw::kTakesUnknownTarget)) table.lower_request = bad_lower;
  return table;
}

Subject subject_of(const SokrIrPlugin& table) {
  Subject subject;
  subject.plugin = &table;
  subject.readers = {&Exporter<Toy<kBinary>>::kTable};
  subject.samples.push_back({"eight", {'T', 'O', 'Y', 'T', 8, '!', 0}, 6, {{0, 4, 16}}});
  return subject;
}

// The rules that a plugin with this flaw breaks.
std::set<std::string> broken(Flaw with) {
  const SokrIrPlugin table = table_with(with);
  const Subject subject = subject_of(table);
  std::set<std::string> rules;
  std::string all;
  for (const Finding& finding : check_conformance(subject)) {
    rules.insert(finding.rule);
    all += finding.rule + ": " + finding.what + "\n";
  }
  if (with == Flaw::kNone) {
    EXPECT_EQ(all, "");
  }
  flaw = Flaw::kNone;
  return rules;
}

TEST(IrSuite, APluginThatKeepsTheRulesPasses) {
  EXPECT_EQ(broken(Flaw::kNone), std::set<std::string>{});
}

TEST(IrSuite, EachFlawIsFoundByItsRule) {
  const std::pair<Flaw, const char*> flaws[] = {
      {Flaw::kNoName, "table"},
      {Flaw::kTargetsWithoutLower, "table"},
      {Flaw::kAnswersTwo, "recognition"},
      {Flaw::kReadsAllOfIt, "recognition"},
      {Flaw::kRefusesWhatIsValid, "samples"},
      {Flaw::kTakesHalf, "truncation"},
      {Flaw::kTwoLines, "truncation"},
      {Flaw::kWritesTooMuch, "sentences"},
      {Flaw::kTakesLaterRequests, "requests"},
      {Flaw::kAlwaysOldSizes, "sizes"},
      {Flaw::kNotSorted, "contents"},
      {Flaw::kNoEntryName, "contents"},
      {Flaw::kNoConstantName, "contents"},
      {Flaw::kPushBehindBlock, "contents"},
      {Flaw::kPortOfNoBinding, "contents"},
      {Flaw::kKeepsCallersBytes, "ownership"},
      {Flaw::kLowersToOtherSize, "lowering"},
      {Flaw::kLowersDifferently, "lowering"},
      {Flaw::kTakesUnknownTarget, "lowering"},
      {Flaw::kMindsUnknownIds, "specialization"},
      {Flaw::kTakesWrongSizes, "specialization"},
      {Flaw::kIgnoresLocalSize, "specialization"},
      {Flaw::kOneResultForAllThreads, "threads"},
  };
  std::set<std::string> used;
  for (const auto& [with, rule] : flaws) {
    const std::set<std::string> rules = broken(with);
    EXPECT_TRUE(rules.contains(rule)) << rule << ", flaw " << static_cast<int>(with);
    used.insert(rule);
  }
  for (const Rule& rule : conformance_rules()) {
    EXPECT_TRUE(used.contains(rule.name)) << "no flaw shows that '" << rule.name << "' can fail";
  }
}

// Each rule may be asked for by itself, whatever the table lacks.
TEST(IrSuite, WithABrokenTableOtherRulesFindNothing) {
  for (const Flaw with : {Flaw::kNoName, Flaw::kTargetsWithoutLower}) {
    const SokrIrPlugin table = table_with(with);
    const Subject subject = subject_of(table);
    EXPECT_FALSE(check_rule(subject, 0).empty());
    for (std::size_t rule = 1; rule < conformance_rules().size(); ++rule)
      EXPECT_TRUE(check_rule(subject, rule).empty()) << conformance_rules()[rule].name;
    flaw = Flaw::kNone;
  }
}

}  // namespace
}  // namespace sokr::ir
