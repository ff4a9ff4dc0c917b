// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What compiling takes is in proportion to the module: kernels of each shape that once took the
// square of their size, at sizes that differ by a factor. What is made of them is counted; with
// SOKR_EXTENT=all (./dev test cross) they are compiled as a whole, and the processor's time is
// compared with that of the smaller one.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "extent.hpp"
#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

// Text of a kernel's body, and the constants that it uses: numbers are `%n17`.
class Body {
 public:
  std::string number(std::size_t value) {
    largest_ = std::max(largest_, value);
    return fmt::format("%n{}", value);
  }
  template <class... Parts>
  void line(fmt::format_string<Parts...> text, Parts&&... parts) {
    fmt::format_to(std::back_inserter(text_), text, std::forward<Parts>(parts)...);
    text_ += '\n';
  }
  // A value of its own: the line without the result that it has.
  template <class... Parts>
  std::string value(fmt::format_string<Parts...> text, Parts&&... parts) {
    const std::string name = label();
    text_ += name + " = " + fmt::format(text, std::forward<Parts>(parts)...) + '\n';
    return name;
  }
  std::string label() { return fmt::format("%v{}", names_++); }
  std::string load(const std::string& index) {
    return value("OpLoad %uint {}", value("OpAccessChain %to_word %in %n0 {}", index));
  }
  void store(const std::string& index, const std::string& what) {
    line("OpStore {} {}", value("OpAccessChain %to_word %out %n0 {}", index), what);
  }
  // Blocks: `begin` starts one that is named.
  void begin(const std::string& block) { line("{} = OpLabel", block); }
  void go(const std::string& to) { line("OpBranch {}", to); }
  void merge(const std::string& merged) { line("OpSelectionMerge {} None", merged); }

  Bytes module() const {
    std::string text = R"(
      OpCapability Shader
      OpMemoryModel Logical GLSL450
      OpEntryPoint GLCompute %main "main" %id
      OpExecutionMode %main LocalSize 64 1 1
      OpDecorate %id BuiltIn LocalInvocationIndex
      OpDecorate %in DescriptorSet 0
      OpDecorate %in Binding 0
      OpDecorate %out DescriptorSet 0
      OpDecorate %out Binding 1
      OpDecorate %words ArrayStride 4
      OpDecorate %block Block
      OpMemberDecorate %block 0 Offset 0
      %void = OpTypeVoid
      %fn = OpTypeFunction %void
      %bool = OpTypeBool
      %uint = OpTypeInt 32 0
      %words = OpTypeRuntimeArray %uint
      %block = OpTypeStruct %words
      %to_block = OpTypePointer StorageBuffer %block
      %to_word = OpTypePointer StorageBuffer %uint
      %to_id = OpTypePointer Input %uint
      %to_own = OpTypePointer Function %uint
      %in = OpVariable %to_block StorageBuffer
      %out = OpVariable %to_block StorageBuffer
      %id = OpVariable %to_id Input
    )";
    for (std::size_t n = 0; n <= largest_; ++n)
      text += fmt::format("%n{0} = OpConstant %uint {0}\n", n);
    text +=
        "%main = OpFunction %void None %fn\n%start = OpLabel\n%x = OpVariable %to_own Function\n";
    text += "%i = OpLoad %uint %id\n%n = OpLoad %uint %first\n";
    text.insert(text.rfind("%n = "), "%first = OpAccessChain %to_word %in %n0 %n0\n");
    return assemble(text + text_ + "OpReturn\nOpFunctionEnd\n");
  }

 private:
  std::string text_;
  std::size_t names_ = 0, largest_ = 0;
};

struct Shape {
  const char* name;
  void (*write)(Body& body, std::size_t size);
};

void loads(Body& body, std::size_t size) {
  std::string sum = "%n";
  for (std::size_t k = 0; k < size; ++k) {
    const std::string index = body.value("OpIMul %uint %i {}", body.number(3));
    sum = body.value("OpIAdd %uint {} {}", sum,
                     body.load(body.value("OpIAdd %uint {} {}", index, body.number(k * 7 % 1009))));
  }
  body.store("%i", sum);
}

void wrapped_loads(Body& body, std::size_t size) {
  std::string sum = "%n";
  for (std::size_t k = 0; k < size; ++k) {
    const std::string index = body.value("OpIMul %uint %i {}", body.number(k * 2 % 1009 + 3));
    sum = body.value("OpIAdd %uint {} {}", sum, body.load(body.value("OpUMod %uint {} %n", index)));
  }
  body.store("%i", sum);
}

void stores(Body& body, std::size_t size) {
  for (std::size_t k = 0; k < size; ++k) {
    const std::string row = body.value("OpIMul %uint %i {}", body.number(1000));
    body.store(body.value("OpIAdd %uint {} {}", row, body.number(k * 7 % 1000)), "%i");
  }
}

void sums(Body& body, std::size_t size) {
  std::string a = "%n", b = "%i";
  for (std::size_t k = 0; k < size; ++k) {
    const std::string product = body.value("OpIMul %uint {} {}", a, b);
    a = body.value("OpIAdd %uint {} {}", product, body.number(k * 3 % 1000));
    b = body.value("OpIAdd %uint {} {}", b, a);
  }
  body.store("%i", a);
}

void tests(Body& body, std::size_t size) {
  for (std::size_t k = 0; k < size; ++k) {
    const std::string x = body.value("OpLoad %uint %x"), yes = body.label(), merged = body.label();
    const std::string bit = body.value("OpBitwiseAnd %uint {} {}", x, body.number(1 << k % 8));
    const std::string is = body.value("OpINotEqual %bool {} %n0", bit);
    body.merge(merged);
    body.line("OpBranchConditional {} {} {}", is, yes, merged);
    body.begin(yes);
    body.store(body.value("OpIAdd %uint %i {}", body.number(k % 1000)), x);
    body.line("OpStore %x {}", body.value("OpIMul %uint {} {}", x, body.number(3)));
    body.go(merged);
    body.begin(merged);
  }
}

void returns(Body& body, std::size_t size) {
  for (std::size_t k = 0; k < size; ++k) {
    const std::string yes = body.label(), merged = body.label();
    const std::string x = body.load(body.value("OpIAdd %uint %i {}", body.number(k % 1000)));
    const std::string is = body.value("OpIEqual %bool {} {}", x, body.number(k % 500));
    body.merge(merged);
    body.line("OpBranchConditional {} {} {}", is, yes, merged);
    body.begin(yes);
    body.store("%i", body.number(k % 1000));
    body.line("OpReturn");
    body.begin(merged);
  }
  body.store("%i", "%n");
}

// One in the other, of which 1,023 are the most.
void chained_tests(Body& body, std::size_t size) {
  size /= 2;
  std::vector<std::string> merges;
  const std::string x = body.load("%i");
  for (std::size_t k = 0; k < size; ++k) {
    const std::string yes = body.label(), no = body.label();
    merges.push_back(body.label());
    const std::string is = body.value("OpULessThan %bool {} {}", x, body.number(k * 2));
    body.merge(merges.back());
    body.line("OpBranchConditional {} {} {}", is, yes, no);
    body.begin(yes);
    body.store("%i", body.value("OpIMul %uint {} {}", x, body.number(k + 3)));
    body.go(merges.back());
    body.begin(no);
  }
  for (auto merge = merges.rbegin(); merge != merges.rend(); ++merge) {
    body.go(*merge);
    body.begin(*merge);
  }
}

// A switch whose sides are written by `side`, which returns the value that it has.
template <class Side>
std::string switch_of(Body& body, std::size_t size, Side side) {
  const std::string merged = body.label(), x = body.load("%i");
  std::vector<std::string> sides(size);
  std::string rows, phi;
  for (std::size_t k = 0; k < size; ++k) {
    sides[k] = body.label();
    rows += fmt::format(" {} {}", k * 3, sides[k]);
  }
  body.merge(merged);
  body.line("OpSwitch {} {}{}", x, sides[0], rows);
  for (std::size_t k = 0; k < size; ++k) {
    body.begin(sides[k]);
    phi += fmt::format(" {} {}", side(k), sides[k]);
    body.go(merged);
  }
  body.begin(merged);
  return body.value("OpPhi %uint{}", phi);
}

void switch_that_stores(Body& body, std::size_t size) {
  switch_of(body, size, [&](std::size_t k) {
    body.store("%i", body.number(k + 5));
    return body.number(1);
  });
}

void switch_that_loads(Body& body, std::size_t size) {
  body.store("%i", switch_of(body, size, [&](std::size_t k) {
               return body.load(body.value("OpIMul %uint %i {}", body.number(k + 2)));
             }));
}

void merged_values(Body& body, std::size_t size) {
  const std::string merged = body.label(), x = body.load("%i");
  std::vector<std::string> sides(40);
  std::string rows;
  for (std::size_t k = 0; k < sides.size(); ++k) {
    sides[k] = body.label();
    rows += fmt::format(" {} {}", k, sides[k]);
  }
  body.merge(merged);
  body.line("OpSwitch {} {}{}", x, sides[0], rows);
  for (const std::string& side : sides) {
    body.begin(side);
    body.go(merged);
  }
  body.begin(merged);
  std::vector<std::string> values;
  for (std::size_t k = 0; k < size / 4; ++k) {
    std::string phi;
    for (std::size_t side = 0; side < sides.size(); ++side)
      phi += fmt::format(" {} {}", body.number((side * 7 + k) % 100), sides[side]);
    values.push_back(body.value("OpPhi %uint{}", phi));
  }
  std::string sum = "%i";
  for (const std::string& value : values) sum = body.value("OpIMul %uint {} {}", sum, value);
  body.store("%i", sum);
}

void loops(Body& body, std::size_t size) {
  for (std::size_t k = 0; k < size / 4; ++k) {
    const std::string head = body.label(), test = body.label(), round = body.label(),
                      next = body.label(), out = body.label(), before = body.label(),
                      counter = body.label(), counted = body.label();
    body.go(before);
    body.begin(before);
    body.go(head);
    body.begin(head);
    body.line("{} = OpPhi %uint %n0 {} {} {}", counter, before, counted, next);
    body.line("OpLoopMerge {} {} None", out, next);
    body.go(test);
    body.begin(test);
    body.line("OpBranchConditional {} {} {}",
              body.value("OpULessThan %bool {} {}", counter,
                         body.value("OpBitwiseAnd %uint %n {}", body.number(k % 8 + 3))),
              round, out);
    body.begin(round);
    body.line("OpStore %x {}",
              body.value("OpIAdd %uint {} {}", body.value("OpLoad %uint %x"), body.load(counter)));
    body.go(next);
    body.begin(next);
    body.line("{} = OpIAdd %uint {} {}", counted, counter, body.number(1));
    body.go(head);
    body.begin(out);
  }
  body.store("%i", body.value("OpLoad %uint %x"));
}

constexpr Shape kShapes[] = {{"loads", loads},
                             {"wrapped_loads", wrapped_loads},
                             {"stores", stores},
                             {"sums", sums},
                             {"tests", tests},
                             {"returns", returns},
                             {"chained_tests", chained_tests},
                             {"switch_that_stores", switch_that_stores},
                             {"switch_that_loads", switch_that_loads},
                             {"merged_values", merged_values},
                             {"loops", loops}};

struct Taken {
  std::size_t emitted = 0, bytes = 0;
  double seconds = 0;  // of this thread
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Taken take(const Shape& shape, std::size_t size, Isa isa, Effort effort) {
  Body body;
  shape.write(body, size);
  const Bytes module = body.module();
  const auto decoded = spirv::decode(module);
  EXPECT_TRUE(decoded.ok()) << (decoded.ok() ? "" : decoded.failure().sentence);
  const auto entry = (*decoded)->entry_point("");
  Taken out;
  CompileOptions options;
  options.isa = isa;
  options.effort = effort;
  if (effort == Effort::kDraft) options.builtins = &builtins_of_test(isa);
  options.on_stage = [&](const CompileStage& stage) {
    if (std::string_view(stage.name) == "emit") out.emitted = stage.size;
    if (std::string_view(stage.name) == "generate") out.bytes = stage.size;
  };
  const double begin = thread_seconds();
  const auto kernel = compile(**decoded, **entry, options);
  out.seconds = thread_seconds() - begin;
  EXPECT_TRUE(kernel.ok()) << (kernel.ok() ? "" : kernel.failure().sentence);
  return out;
}

class Proportion : public testing::TestWithParam<Shape> {};

// Four times as much of the same is four times as much code.
TEST_P(Proportion, TheCodeIsThatOfTheKernel) {
  constexpr std::size_t kSmall = 60, kTimes = 4;
  for (const Isa isa : kIsas) {
    SCOPED_TRACE(isa_name(isa));
    const auto emitted = [&](std::size_t size) {
      return take(GetParam(), size, isa, Effort::kVerify).emitted;
    };
    const std::size_t small = emitted(kSmall), large = emitted(kSmall * kTimes);
    EXPECT_GT(small, 0u);
    EXPECT_LE(large, small * kTimes * 3 / 2);
  }
}

// The time, too. Where it grew with the square, it would be 16 times as much.
TEST_P(Proportion, TheTimeIsThatOfTheKernel) {
  if (differential::extent() != differential::Extent::kAll)
    GTEST_SKIP() << "times are compared with SOKR_EXTENT=all";
  constexpr std::size_t kSmall = 400, kTimes = 4;
  for (const Effort effort : {Effort::kDraft, Effort::kFull}) {
    std::vector<double> ratios;
    for (int n = 0; n < 3; ++n) {
      const Taken small = take(GetParam(), kSmall, host_isa(), effort);
      const Taken large = take(GetParam(), kSmall * kTimes, host_isa(), effort);
      ratios.push_back(large.seconds / small.seconds);
    }
    std::ranges::sort(ratios);
    EXPECT_LE(ratios[1], kTimes * 2.5) << (effort == Effort::kFull ? "full" : "draft");
    fmt::print("{} {}: {:.1f} times the time for {} times the kernel\n", GetParam().name,
               effort == Effort::kFull ? "full" : "draft", ratios[1], kTimes);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Proportion, testing::ValuesIn(kShapes),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace sokr::cpu::test
