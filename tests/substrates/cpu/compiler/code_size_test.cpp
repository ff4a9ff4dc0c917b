// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How much code kernels become, for each instruction set: counted, so that a busy machine changes
// nothing. What is bounded here took seconds to minutes to compile.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <random>
#include <span>
#include <string_view>

#include "compiler/target/traits.hpp"
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

// Calls of llvm.masked.KIND.vNTYPE for each of the kinds and of the types, all of them if there are
// none.
std::size_t masked_calls(std::string_view text, std::initializer_list<std::string_view> kinds,
                         std::initializer_list<std::string_view> types = {}) {
  constexpr std::string_view kPrefix = "llvm.masked.";
  std::size_t calls = 0;
  for (std::size_t at = 0; (at = text.find(kPrefix, at)) != text.npos;) {
    const std::size_t line = text.rfind('\n', at) + 1;
    const bool is_call = text.substr(line, at - line).find("call ") != text.npos;
    at += kPrefix.size();
    const std::string_view rest = text.substr(at);
    const std::string_view kind = rest.substr(0, rest.find('.'));
    if (!is_call || std::ranges::find(kinds, kind) == kinds.end()) continue;
    std::string_view type = rest.substr(std::min(kind.size() + 2, rest.size()));  // behind ".v"
    type.remove_prefix(std::min(type.find_first_not_of("0123456789"), type.size()));
    calls += types.size() == 0 ||
             std::ranges::any_of(types, [&](auto one) { return type.starts_with(one); });
  }
  return calls;
}

TEST(MaskedCalls, AreCountedByKindAndType) {
  const std::string_view text =
      "declare <8 x i16> @llvm.masked.gather.v8i16.v8p0(<8 x ptr>)\n"
      "  %1 = call <8 x i16> @llvm.masked.gather.v8i16.v8p0(<8 x ptr> %0)\n"
      "  %2 = call <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr> %0)\n"
      "  tail call void @llvm.masked.scatter.v8f16.v8p0(<8 x half> %3)\n"
      "  call void @llvm.masked.store.v8i32.p0(<8 x i32> %4)";
  EXPECT_EQ(masked_calls(text, {"gather", "scatter"}, {"i8", "i16", "f16"}), 2u);
  EXPECT_EQ(masked_calls(text, {"gather"}), 2u);
  EXPECT_EQ(masked_calls(text, {"load", "store"}), 1u);
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
    out.narrow += masked_calls(text, {"gather", "scatter"}, {"i8", "i16", "f16"});
    const TargetTraits& target = least_traits(isa);
    if (!target.masks(4))
      out.unsupported += masked_calls(text, {"load", "store"});
    else if (!target.masks(1))
      out.unsupported += masked_calls(text, {"load", "store"}, {"i8", "i16", "f16"});
    if (!target.gathers) out.unsupported += masked_calls(text, {"gather"});
    if (!target.scatters) out.unsupported += masked_calls(text, {"scatter"});
  }
  std::filesystem::remove_all(folder);
  return out;
}

// AddressSanitizer sees the compiler, which one instruction set takes the same ways.
std::span<const Isa> isas() {
  static constexpr Isa kOne[] = {Isa::kAvx2};
  if (differential::extent() == differential::Extent::kLess) return kOne;
  return kIsas;
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
                    Bound{"nested", 40000, 200000, 250000}, Bound{"small_functions", 7000, 60000}),
    [](const auto& one) { return std::string(one.param.shader); });

}  // namespace
}  // namespace sokr::cpu::test
