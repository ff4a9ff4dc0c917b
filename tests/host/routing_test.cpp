// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>

#include "mocks.hpp"

namespace sokr::tests {
namespace {

std::vector<std::string> mock_names(const Context& context) {
  std::vector<std::string> names;
  for (const Substrate& substrate : context.substrates()) {
    if (substrate.name().starts_with("mock:")) names.emplace_back(substrate.name());
  }
  return names;
}

TEST(Routing, OrdersByKind) {
  const Context context(mocks({"reference", "software", "add", "integrated", "discrete"}));
  EXPECT_EQ(mock_names(context),
            (std::vector<std::string>{"mock:discrete", "mock:integrated", "mock:add",
                                      "mock:software", "mock:reference"}));
}

TEST(Routing, ChoosesTheBestThatAcceptsAndSaysWhyOthersWerePassedOver) {
  const Context context(mocks({"ir", "software", "add", "deny"}));
  std::vector<Candidate> candidates;
  EXPECT_EQ(context.choose(mock_kernel(context), &candidates).name(), "mock:add");
  const auto denied = std::find_if(candidates.begin(), candidates.end(),
                                   [](const Candidate& one) { return one.name == "mock:deny"; });
  ASSERT_NE(denied, candidates.end());
  EXPECT_EQ(denied->reason, "the mock denies everything");
  EXPECT_EQ(candidates.back().name, "mock:add");
  EXPECT_EQ(candidates.back().reason, "");
}

TEST(Routing, TheNextBestWhenSomeHaveFailed) {
  const Context context(mocks({"ir", "software", "add", "discrete"}));
  const std::vector<Substrate> failed{context.substrate("mock:discrete"),
                                      context.substrate("mock:add")};
  EXPECT_EQ(context.choose(mock_kernel(context), failed).name(), "mock:software");
}

TEST(Routing, NobodyCanIsAnErrorWithEveryReason) {
  const Context context(mocks({"ir", "deny", "foreign"}));
  const Error error = failure_of([&] { (void)context.choose(mock_kernel(context)); });
  EXPECT_EQ(error.code(), SOKR_NO_CAPABLE_SUBSTRATE);
  const std::string sentence = error.what();
  EXPECT_NE(sentence.find("mock:deny: the mock denies everything"), std::string::npos) << sentence;
  EXPECT_NE(
      sentence.find("mock:foreign: it accepts PTX; the kernel is format 0x4d4f434b, and no IR "
                    "plugin here lowers that"),
      std::string::npos)
      << sentence;
}

TEST(Routing, AnUnknownNameListsWhatThereIs) {
  const Context context(mocks({"add"}));
  const Error error = failure_of([&] { (void)context.substrate("mock:ad"); });
  EXPECT_EQ(error.code(), SOKR_NOT_FOUND);
  EXPECT_NE(std::string(error.what()).find("there is no substrate 'mock:ad'; there is "),
            std::string::npos);
  EXPECT_NE(std::string(error.what()).find("mock:add"), std::string::npos);
}

TEST(Routing, AnUnavailableNameSaysWhy) {
  const Context context(mocks({"add"}));
  const Error error = failure_of([&] { (void)context.substrate("mock:other"); });
  EXPECT_NE(std::string(error.what()).find("(mock:other: its device is not plugged in)"),
            std::string::npos)
      << error.what();
}

TEST(Routing, KernelsAreRecognisedByTheirBytes) {
  const Context context(mocks({"ir"}));
  EXPECT_EQ(mock_kernel(context).ir_format(), 0x4D4F434Bu);
  EXPECT_EQ(failure_of([&] { (void)context.kernel({}); }).code(), SOKR_INVALID_IR);
  const Error unknown = failure_of([&] { (void)context.kernel(bytes_of("PNG")); });
  EXPECT_NE(std::string(unknown.what()).find("begins with the bytes 50 4e 47"), std::string::npos)
      << unknown.what();
  const Error malformed = failure_of([&] { (void)context.kernel(bytes_of("MOCK!")); });
  EXPECT_EQ(malformed.code(), SOKR_INVALID_IR);
  EXPECT_NE(std::string(malformed.what()).find("byte '!' is not allowed"), std::string::npos);
}

TEST(Routing, WithoutATableForLoweringNothingIsLowered) {
  const Context context(mocks({"ir_short", "add"}));
  EXPECT_EQ(failure_of([&] { (void)context.choose(mock_kernel(context)); }).code(),
            SOKR_NO_CAPABLE_SUBSTRATE);
}

TEST(Routing, AFailedLoweringIsAReason) {
  const Context context(mocks({"ir", "add"}));
  const Kernel empty = context.kernel(bytes_of("MOCK"));
  const auto reason = context.substrate("mock:add").why_not(empty);
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("could not lower format 0x4d4f434b to SPIR-V: there is nothing to lower"),
            std::string::npos)
      << *reason;
}

}  // namespace
}  // namespace sokr::tests
