// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The C table that the exporter makes of a class: what it checks before the class is asked, and
// what becomes of failures, exceptions and results.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <sokr/ir/exporter.hpp>
#include <stdexcept>

namespace sokr::ir {
namespace {

constexpr std::uint32_t kTarget = 0x54455354;

// Answers as the test says.
struct Scripted {
  static inline std::function<Result<std::string>(const Request&)> on_validate;
  static inline std::function<Result<Reflection>(const Request&)> on_reflect;
  static inline std::function<Result<std::vector<std::uint8_t>>(const Request&)> on_lower;
  static inline std::function<bool(std::span<const std::uint8_t>)> on_recognise;

  static constexpr const char* kName = "scripted";
  static constexpr const char* kVersion = "1";
  static constexpr std::uint32_t kFormat = 7;
  static constexpr std::size_t kRecognised = 4;
  static constexpr std::array<std::uint32_t, 1> kTargets{kTarget};
  static bool recognise(std::span<const std::uint8_t> first) { return on_recognise(first); }
  static Result<std::string> validate(const Request& request) { return on_validate(request); }
  static Result<Reflection> reflect(const Request& request) { return on_reflect(request); }
  static Result<std::vector<std::uint8_t>> lower(const Request& request) {
    return on_lower(request);
  }
};

struct Reader {
  static constexpr const char* kName = "reader";
  static constexpr const char* kVersion = "1";
  static constexpr std::uint32_t kFormat = 8;
  static constexpr std::size_t kRecognised = 1;
  static bool recognise(std::span<const std::uint8_t>) { return true; }
  static Result<std::string> validate(const Request&) { return std::string(); }
  static Result<Reflection> reflect(const Request&) { return Reflection(); }
};

const SokrIrPlugin& table = Exporter<Scripted>::kTable;
constexpr std::uint8_t kBytes[] = {1, 2, 3, 4, 5, 6};

SokrIrRequest request_for(std::uint32_t target = 0) {
  SokrIrRequest request{};
  request.struct_size = sizeof request;
  request.ir_version = SOKR_IR_VERSION;
  request.data = kBytes;
  request.size = sizeof kBytes;
  request.target = target;
  return request;
}

class Exported : public testing::Test {
 protected:
  void SetUp() override {
    Scripted::on_validate = [](const Request&) { return std::string(); };
    Scripted::on_reflect = [](const Request&) { return described(); };
    Scripted::on_lower = [](const Request& request) {
      return std::vector(request.bytes.begin(), request.bytes.end());
    };
    Scripted::on_recognise = [](std::span<const std::uint8_t> first) { return first[0] == 1; };
  }

  // Two bindings, of which a reader of 1.0 finds the second only by the size of then.
  static Reflection described() {
    EntryReflection entry;
    entry.name = "main";
    entry.local_size = {8, 4, 2};
    for (std::uint32_t i = 0; i < 2; ++i) {
      Binding binding;
      binding.binding = i;
      binding.name = i == 0 ? "a" : "b";
      entry.bindings.push_back(std::move(binding));
    }
    entry.push_constants.push_back({"n", 0, 4, "u32", 0});
    entry.knows_reads = false;
    entry.push_scalars.push_back({0, SOKR_IR_U32});
    entry.push_constant_size = 4;
    Reflection all;
    all.entry_points.push_back(entry);
    all.entry_points.push_back(std::move(entry));
    all.capabilities.push_back("Shader");
    return all;
  }

  SokrResult reflect_request() {
    const SokrIrRequest request = request_for();
    return table.reflect_request(&request, &reflection_, sentence_, sizeof sentence_);
  }

  const SokrIrReflection* reflection_ = nullptr;
  char sentence_[128] = "unwritten";
};

TEST_F(Exported, TheTableSaysWhatThereIs) {
  EXPECT_EQ(table.struct_size, sizeof(SokrIrPlugin));
  EXPECT_EQ(table.ir_version, SOKR_IR_VERSION);
  EXPECT_STREQ(table.name, "scripted");
  EXPECT_EQ(table.target_count, 1u);
  EXPECT_EQ(table.targets[0], kTarget);
  const SokrIrPlugin& reader = Exporter<Reader>::kTable;
  EXPECT_EQ(reader.target_count, 0u);
  EXPECT_EQ(reader.targets, nullptr);
  EXPECT_EQ(reader.lower, nullptr);
  EXPECT_EQ(reader.lower_request, nullptr);
  EXPECT_EQ(reader.free_lowered, nullptr);
}

TEST_F(Exported, RecogniseSeesTheFirstBytesOnly) {
  std::size_t seen = 0;
  Scripted::on_recognise = [&](std::span<const std::uint8_t> first) {
    seen = first.size();
    return true;
  };
  EXPECT_EQ(table.recognise(kBytes, sizeof kBytes), 1);
  EXPECT_EQ(seen, 4u);
  EXPECT_EQ(table.recognise(kBytes, 2), 1);
  EXPECT_EQ(seen, 2u);
  EXPECT_EQ(table.recognise(nullptr, 0), 0);
  Scripted::on_recognise = [](std::span<const std::uint8_t>) -> bool { throw 1; };
  EXPECT_EQ(table.recognise(kBytes, sizeof kBytes), 0);
}

TEST_F(Exported, ElementsHaveTheSizeThatTheCallerReads) {
  ASSERT_EQ(reflect_request(), SOKR_OK) << sentence_;
  ASSERT_EQ(reflection_->entry_point_count, 2u);
  EXPECT_EQ(reflection_->entry_point_size, sizeof(SokrIrEntryPoint));
  const SokrIrEntryPoint& entry = reflection_->entry_points[1];
  EXPECT_EQ(entry.binding_size, sizeof(SokrIrBinding));
  EXPECT_EQ(entry.port_size, sizeof(SokrIrPort));
  EXPECT_STREQ(entry.bindings[1].name, "b");
  ASSERT_NE(reflection_->entry_types, nullptr);
  EXPECT_EQ(reflection_->entry_types[0].binding_scalars[1], 0u) << "not known";
  EXPECT_EQ(reflection_->entry_types[0].push_read_ends, nullptr) << "not known";
  table.free_reflection(reflection_);

  ASSERT_EQ(table.reflect(kBytes, sizeof kBytes, nullptr, 0, nullptr, &reflection_, sentence_,
                          sizeof sentence_),
            SOKR_OK);
  EXPECT_EQ(reflection_->entry_point_size, SOKR_IR_ENTRY_POINT_SIZE_1_0);
  const auto* second =
      SOKR_ELEMENT(SokrIrEntryPoint, reflection_->entry_points, SOKR_IR_ENTRY_POINT_SIZE_1_0, 1);
  EXPECT_STREQ(second->name, "main");
  EXPECT_STREQ(SOKR_ELEMENT(SokrIrBinding, second->bindings, SOKR_IR_BINDING_SIZE_1_0, 1)->name,
               "b");
  table.free_reflection(reflection_);
  table.free_reflection(nullptr);
}

TEST_F(Exported, FailuresAndExceptionsBecomeCodesWithSentences) {
  Scripted::on_reflect = [](const Request&) -> Result<Reflection> {
    return fail(SOKR_INVALID_IR, "line 3:\nno");
  };
  reflection_ = reinterpret_cast<const SokrIrReflection*>(this);
  EXPECT_EQ(reflect_request(), SOKR_INVALID_IR);
  EXPECT_STREQ(sentence_, "line 3: no");
  EXPECT_EQ(reflection_, nullptr);
  Scripted::on_reflect = [](const Request&) -> Result<Reflection> {
    throw std::runtime_error("thrown");
  };
  EXPECT_EQ(reflect_request(), SOKR_DISPATCH_FAILED);
  EXPECT_STREQ(sentence_, "thrown");
  Scripted::on_reflect = [](const Request&) -> Result<Reflection> { throw std::bad_alloc(); };
  EXPECT_EQ(reflect_request(), SOKR_DISPATCH_FAILED);
  EXPECT_STREQ(sentence_, "out of memory");
  Scripted::on_validate = [](const Request&) -> Result<std::string> {
    return fail(SOKR_OK, "a failure that says OK");
  };
  EXPECT_EQ(table.validate(kBytes, sizeof kBytes, sentence_, sizeof sentence_),
            SOKR_DISPATCH_FAILED);
}

TEST_F(Exported, RemarksAreSaidToWhoKnowsOptions) {
  Scripted::on_validate = [](const Request& request) -> Result<std::string> {
    return std::string(request.option("x").value_or("no x"));
  };
  const SokrIrOption options[] = {{"x", "first"}, {"x", "last"}};
  EXPECT_EQ(table.validate_with(kBytes, sizeof kBytes, options, 2, sentence_, sizeof sentence_),
            SOKR_OK);
  EXPECT_STREQ(sentence_, "last");
  EXPECT_EQ(table.validate(kBytes, sizeof kBytes, sentence_, sizeof sentence_), SOKR_OK);
  EXPECT_STREQ(sentence_, "");
  const SokrIrOption broken[] = {{"x", nullptr}};
  EXPECT_EQ(table.validate_with(kBytes, sizeof kBytes, broken, 1, sentence_, sizeof sentence_),
            SOKR_INVALID_INPUT);
}

TEST_F(Exported, LoweredBytesAreTheCallersUntilFreed) {
  std::uint8_t* out = nullptr;
  std::size_t size = 0;
  const SokrIrRequest request = request_for(kTarget);
  ASSERT_EQ(table.lower_request(&request, &out, &size, sentence_, sizeof sentence_), SOKR_OK);
  ASSERT_EQ(size, sizeof kBytes);
  EXPECT_EQ(std::memcmp(out, kBytes, size), 0);
  table.free_lowered(out);
  ASSERT_EQ(table.lower(kBytes, sizeof kBytes, kTarget, &out, &size, sentence_, sizeof sentence_),
            SOKR_OK);
  table.free_lowered(out);
  EXPECT_EQ(table.lower(kBytes, sizeof kBytes, 9, &out, &size, sentence_, sizeof sentence_),
            SOKR_INVALID_INPUT);
  EXPECT_STREQ(sentence_, "the target 0x00000009 is none that this plugin lowers to: 0x54455354");
  EXPECT_EQ(out, nullptr);
  EXPECT_EQ(size, 0u);
  Scripted::on_lower = [](const Request&) { return std::vector<std::uint8_t>(); };
  ASSERT_EQ(table.lower_request(&request, &out, &size, sentence_, sizeof sentence_), SOKR_OK);
  EXPECT_NE(out, nullptr);
  EXPECT_EQ(size, 0u);
  table.free_lowered(out);
  table.free_lowered(nullptr);
}

TEST_F(Exported, LimitsAreReadInAnySize) {
  SokrIrLimits limits{};
  Scripted::on_lower = [&](const Request& request) -> Result<std::vector<std::uint8_t>> {
    EXPECT_TRUE(request.limits.has_value());
    EXPECT_EQ(request.limits->max_group_count[0], 5u);
    return std::vector<std::uint8_t>();
  };
  SokrIrRequest request = request_for(kTarget);
  request.limits = &limits;
  std::uint8_t* out = nullptr;
  std::size_t size = 0;
  const auto answer = [&] {
    const SokrResult result =
        table.lower_request(&request, &out, &size, sentence_, sizeof sentence_);
    table.free_lowered(out);
    return result;
  };
  limits.struct_size = SOKR_SIZE_THROUGH(SokrIrLimits, max_group_count);
  limits.max_group_count[0] = 5;
  EXPECT_EQ(answer(), SOKR_OK);
  limits.struct_size = 0;
  EXPECT_EQ(answer(), SOKR_INVALID_INPUT);
  struct Longer {
    SokrIrLimits known;
    std::uint64_t more;
  } longer{limits, 0};
  longer.known.struct_size = sizeof longer;
  request.limits = &longer.known;
  EXPECT_EQ(answer(), SOKR_OK);
  longer.more = 1;
  EXPECT_EQ(answer(), SOKR_CAPABILITY_DENIED);
}

TEST_F(Exported, PlacesForResultsAreNeeded) {
  const SokrIrRequest request = request_for(kTarget);
  std::uint8_t* out = nullptr;
  EXPECT_EQ(table.reflect_request(&request, nullptr, sentence_, sizeof sentence_),
            SOKR_INVALID_INPUT);
  EXPECT_EQ(table.lower_request(&request, &out, nullptr, nullptr, 0), SOKR_INVALID_INPUT);
  EXPECT_EQ(table.validate_request(nullptr, sentence_, sizeof sentence_), SOKR_INVALID_INPUT);
  EXPECT_EQ(table.validate(nullptr, 4, sentence_, sizeof sentence_), SOKR_INVALID_INPUT);
  EXPECT_STREQ(sentence_, "the module is a null pointer");
}

}  // namespace
}  // namespace sokr::ir
