// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How much code kernels become, for each instruction set: counted, so that a busy machine changes
// nothing. What is bounded here took seconds to minutes to compile.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <regex>
#include <span>

#include "extent.hpp"
#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

struct Count {
  std::size_t emitted = 0, optimised = 0;  // LLVM instructions
  std::size_t bytes = 0;                   // of the image
  std::size_t narrow = 0;                  // masked accesses of elements below 32 bits
  std::size_t unsupported = 0;             // masked accesses that the processor does not have
};

std::size_t occurrences(const std::string& text, const std::string& pattern) {
  const std::regex what(pattern);
  return static_cast<std::size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), what), std::sregex_iterator()));
}

Count count(const Bytes& module, Isa isa) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) /
      fmt::format("sokr-code-size-{}-{}", ::getpid(), isa_name(isa));
  std::filesystem::remove_all(folder);
  Count out;
  CompileOptions options;
  options.isa = isa;
  options.dump = folder.string();
  options.on_stage = [&](const CompileStage& stage) {
    if (std::strcmp(stage.name, "emit") == 0) out.emitted = stage.size;
    if (std::strcmp(stage.name, "optimise") == 0) out.optimised = stage.size;
    if (std::strcmp(stage.name, "generate") == 0) out.bytes = stage.size;
  };
  const auto decoded = spirv::decode(module);
  EXPECT_TRUE(decoded.ok());
  const auto entry = (*decoded)->entry_point("");
  const auto kernel = compile(**decoded, **entry, options);
  EXPECT_TRUE(kernel.ok()) << (kernel.ok() ? "" : kernel.failure().sentence);
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().filename();
    if (!name.ends_with(".ll") || name.ends_with(".opt.ll")) continue;
    std::ifstream in(file.path());
    const std::string text(std::istreambuf_iterator<char>(in), {});
    out.narrow +=
        occurrences(text, R"(call [^\n]*llvm\.masked\.(gather|scatter)\.v\d+(i8|i16|f16))");
    if (isa != Isa::kAvx512)
      out.unsupported +=
          occurrences(text, R"(call [^\n]*llvm\.masked\.(load|store)\.v\d+(i8|i16|f16))") +
          occurrences(text, R"(call [^\n]*llvm\.masked\.scatter\.)");
    if (isa == Isa::kSse4 || isa == Isa::kNeon)
      out.unsupported += occurrences(text, R"(call [^\n]*llvm\.masked\.)");
  }
  std::filesystem::remove_all(folder);
  return out;
}

// AddressSanitizer sees the compiler, which one instruction set takes the same ways.
std::span<const Isa> isas() {
  static constexpr Isa kAll[] = {Isa::kAvx2, Isa::kSse4, Isa::kAvx512, Isa::kNeon};
  const bool less = differential::extent() == differential::Extent::kLess;
  return std::span(kAll).first(less ? 1 : std::size(kAll));
}

struct Bound {
  const char* shader;
  std::size_t optimised, bytes;
  std::size_t emitted = SIZE_MAX;  // where only that was too much
};

class CodeSize : public testing::TestWithParam<Bound> {};

TEST_P(CodeSize, IsBounded) {
  for (Isa isa : isas()) {
    SCOPED_TRACE(isa_name(isa));
    const Count code = count(read_shader(GetParam().shader), isa);
    EXPECT_EQ(code.narrow, 0u);
    EXPECT_EQ(code.unsupported, 0u);
    EXPECT_LE(code.emitted, GetParam().emitted);
    EXPECT_LE(code.optimised, GetParam().optimised);
    EXPECT_LE(code.bytes, GetParam().bytes);
    RecordProperty(fmt::format("{}_emitted", isa_name(isa)), std::to_string(code.emitted));
    if (std::getenv("SOKR_TEST_PRINT"))
      fmt::print("{} {}: emitted {} optimised {} bytes {} narrow {} unsupported {}\n",
                 GetParam().shader, isa_name(isa), code.emitted, code.optimised, code.bytes,
                 code.narrow, code.unsupported);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, CodeSize,
    testing::Values(Bound{"dequant_gather", 6000, 64000}, Bound{"dequant_store", 7000, 48000},
                    Bound{"pack_bits", 9000, 140000}, Bound{"narrow_apart", 3000, 28000},
                    Bound{"private_mixed", 4000, 32000}, Bound{"to_integers", 3000, 30000},
                    Bound{"array_copy", 8500, 170000}, Bound{"aggregates", 20000, 130000},
                    Bound{"calls", 20000, 240000}, Bound{"calls_arrays", 24000, 200000},
                    Bound{"nested", 40000, 200000, 250000}),
    [](const auto& one) { return std::string(one.param.shader); });

}  // namespace
}  // namespace sokr::cpu::test
