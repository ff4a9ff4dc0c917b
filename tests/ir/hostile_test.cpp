// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Modules that were made to hurt: each shape at growing sizes is accepted or refused, and what
// that costs is counted in steps of our own and in bytes that were asked for, by whoever did,
// and compared with the size of the module.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "limits.hpp"
#include "spirv_support.hpp"
#include "walk_module.hpp"
#include "words.hpp"
#include "work.hpp"

namespace {

std::atomic<std::uint64_t> allocated_bytes{0};

}  // namespace

// The sanitizers bring operators of their own, which must stay in pairs: there only steps count.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SOKR_TEST_OWN_OPERATORS 0
#endif
#endif
#ifndef SOKR_TEST_OWN_OPERATORS
// Not inlined, so that the compiler sees pairs of new and delete.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocated_bytes.fetch_add(size, std::memory_order_relaxed);
  if (void* memory = std::malloc(size != 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

namespace sokr::spirv {
namespace {

using Word = Words::Word;

// ---- Shapes -------------------------------------------------------------------------------

Bytes nested_loops(Word n) {
  Words w;
  w.start();
  w.begin(w.main);
  std::vector<std::array<Word, 3>> open;
  for (Word i = 0; i < n; ++i) {
    const Word header = w.id(), body = w.id(), next = w.id(), merge = w.id();
    w.branch(header);
    w.label(header);
    w.add(spv::Op::OpLoopMerge, {merge, next, 0});
    w.add(spv::Op::OpBranchConditional, {w.is_true, body, merge});
    w.label(body);
    open.push_back({header, next, merge});
  }
  for (; !open.empty(); open.pop_back()) {
    const auto [header, next, merge] = open.back();
    w.branch(next);
    w.label(next);
    w.branch(header);
    w.label(merge);
  }
  w.end();
  return w.bytes();
}

Bytes nested_selections(Word n) {
  Words w;
  w.start();
  w.begin(w.main);
  std::vector<Word> open;
  for (Word i = 0; i < n; ++i) {
    const Word then = w.id(), merge = w.id();
    w.add(spv::Op::OpSelectionMerge, {merge, 0});
    w.add(spv::Op::OpBranchConditional, {w.is_true, then, merge});
    w.label(then);
    open.push_back(merge);
  }
  for (; !open.empty(); open.pop_back()) {
    w.branch(open.back());
    w.label(open.back());
  }
  w.end();
  return w.bytes();
}

Bytes selections_in_a_loop(Word n) {
  Words w;
  w.start();
  w.begin(w.main);
  const Word header = w.id(), body = w.id(), next = w.id(), end = w.id();
  w.branch(header);
  w.label(header);
  w.add(spv::Op::OpLoopMerge, {end, next, 0});
  w.add(spv::Op::OpBranchConditional, {w.is_true, body, end});
  w.label(body);
  for (Word i = 0; i < n; ++i) {
    const Word then = w.id(), merge = w.id();
    w.add(spv::Op::OpSelectionMerge, {merge, 0});
    w.add(spv::Op::OpBranchConditional, {w.is_true, then, merge});
    w.label(then);
    w.branch(merge);
    w.label(merge);
  }
  w.branch(next);
  w.label(next);
  w.branch(header);
  w.label(end);
  w.end();
  return w.bytes();
}

Bytes many_blocks(Word n) {
  Words w;
  w.start();
  w.begin(w.main);
  for (Word i = 0; i < n; ++i) {
    const Word next = w.id();
    w.branch(next);
    w.label(next);
  }
  w.end();
  return w.bytes();
}

// One switch has at most 16,383 cases; several follow one another.
Bytes many_cases(Word n) {
  Words w;
  w.start();
  w.begin(w.main);
  for (Word first = 0; first < n;) {
    const Word count = std::min<Word>(n - first, 16000), merge = w.id();
    std::vector<Word> pairs, labels;
    for (Word i = 0; i < count; ++i) {
      labels.push_back(w.id());
      pairs.insert(pairs.end(), {i, labels.back()});
    }
    w.add(spv::Op::OpSelectionMerge, {merge, 0});
    w.add(spv::Op::OpSwitch, {w.one, merge}, pairs);
    for (const Word one : labels) {
      w.label(one);
      w.branch(merge);
    }
    w.label(merge);
    first += count;
  }
  w.end();
  return w.bytes();
}

Bytes shared_types(Word n, Word members) {
  Words w;
  w.start();
  Word type = w.u32;
  for (Word i = 0; i < n; ++i)
    type = w.make(spv::Op::OpTypeStruct, std::vector<Word>(members, type));
  const Word pointer = w.make(spv::Op::OpTypePointer, {6, type});
  w.value(spv::Op::OpVariable, pointer, {6});
  w.begin(w.main);
  w.end();
  return w.bytes();
}

Bytes doubled_structs(Word n) {
  return shared_types(n, 2);
}

Bytes wide_structs(Word n) {
  return shared_types(3, n);
}

Bytes wide_loads(Word n) {
  Words w;
  w.start();
  const Word type = w.make(spv::Op::OpTypeStruct, std::vector<Word>(10000, w.u32));
  const Word pointer = w.make(spv::Op::OpTypePointer, {6, type});
  const Word variable = w.value(spv::Op::OpVariable, pointer, {6});
  w.begin(w.main);
  for (Word i = 0; i < n; ++i) w.value(spv::Op::OpLoad, type, {variable});
  w.end();
  return w.bytes();
}

Bytes huge_nulls(Word n) {
  Words w;
  w.start();
  const Word length = w.value(spv::Op::OpConstant, w.u32, {1u << 28});
  const Word type = w.make(spv::Op::OpTypeArray, {w.u32, length});
  for (Word i = 0; i < n; ++i) {
    w.value(spv::Op::OpConstantNull, type);
    w.value(spv::Op::OpUndef, type);
  }
  w.begin(w.main);
  for (Word i = 0; i < n; ++i) w.value(spv::Op::OpUndef, type);
  w.end();
  return w.bytes();
}

Bytes huge_composites(Word n) {
  Words w;
  w.start();
  const Word type = w.make(spv::Op::OpTypeStruct, std::vector<Word>(16000, w.u32));
  for (Word i = 0; i < n; ++i) {
    w.value(spv::Op::OpConstantComposite, type, std::vector<Word>(16000, w.one));
  }
  w.begin(w.main);
  w.end();
  return w.bytes();
}

// Each function calls the next `calls` times.
Bytes call_chain(Word depth, Word calls) {
  Words w;
  w.start();
  std::vector<Word> functions{w.main};
  for (Word i = 0; i < depth; ++i) functions.push_back(w.id());
  for (Word i = 0; i <= depth; ++i) {
    w.begin(functions[i]);
    for (Word call = 0; i < depth && call < calls; ++call)
      w.value(spv::Op::OpFunctionCall, w.void_type, {functions[i + 1]});
    w.end();
  }
  return w.bytes();
}

Bytes deep_calls(Word n) {
  return call_chain(n, 1);
}

Bytes bushy_calls(Word n) {
  return call_chain(n, 16);
}

// All entry points call one function that names n variables.
Bytes many_entries(Word n) {
  Words w;
  w.model();
  std::vector<Word> functions, variables;
  for (Word i = 0; i < n; ++i) {
    functions.push_back(w.id());
    w.add(spv::Op::OpEntryPoint, {5, functions.back(), 0x41414141,
                                  0x41414141 + i % 16 * 0x01 + i / 16 % 16 * 0x0100 +
                                      i / 256 % 16 * 0x010000 + i / 4096 % 16 * 0x01000000,
                                  0});
  }
  for (const Word function : functions) w.add(spv::Op::OpExecutionMode, {function, 17, 1, 1, 1});
  w.declare();
  const Word pointer = w.make(spv::Op::OpTypePointer, {6, w.u32});
  for (Word i = 0; i < n; ++i) variables.push_back(w.value(spv::Op::OpVariable, pointer, {6}));
  const Word shared = w.id();
  w.begin(shared);
  for (const Word variable : variables) w.value(spv::Op::OpLoad, w.u32, {variable});
  w.end();
  for (const Word function : functions) {
    w.begin(function);
    w.value(spv::Op::OpFunctionCall, w.void_type, {shared});
    w.end();
  }
  return w.bytes();
}

// One function that is n entry points with n execution modes.
Bytes many_names(Word n) {
  Words w;
  w.model();
  w.main = w.id();
  for (Word i = 0; i < n; ++i) {
    w.add(spv::Op::OpEntryPoint, {5, w.main,
                                  0x41414141 + i % 16 + i / 16 % 16 * 0x0100 +
                                      i / 256 % 16 * 0x010000 + i / 4096 % 16 * 0x01000000,
                                  0});
  }
  for (Word i = 0; i < n; ++i) w.add(spv::Op::OpExecutionMode, {w.main, 17, 1, 1, 1});
  w.declare();
  w.begin(w.main);
  w.end();
  return w.bytes();
}

// n phis with n incoming values each.
Bytes huge_phis(Word n) {
  Words w;
  w.start();
  w.begin(w.main);
  const Word merge = w.id();
  std::vector<Word> pairs, incoming;
  for (Word i = 0; i < n; ++i) {
    pairs.insert(pairs.end(), {i, w.id()});
    incoming.insert(incoming.end(), {w.one, pairs.back()});
  }
  w.add(spv::Op::OpSelectionMerge, {merge, 0});
  w.add(spv::Op::OpSwitch, {w.one, pairs[1]}, pairs);
  for (Word i = 0; i < n; ++i) {
    w.label(pairs[2 * i + 1]);
    w.branch(merge);
  }
  w.label(merge);
  for (Word i = 0; i < n; ++i) w.value(spv::Op::OpPhi, w.u32, incoming);
  w.end();
  return w.bytes();
}

Bytes deep_access_chains(Word n) {
  Words w;
  w.start();
  const Word zero = w.value(spv::Op::OpConstant, w.u32, {0});
  Word type = w.u32;
  for (Word i = 0; i < 250; ++i) type = w.make(spv::Op::OpTypeStruct, {type});
  const Word pointer = w.make(spv::Op::OpTypePointer, {6, type});
  const Word variable = w.value(spv::Op::OpVariable, pointer, {6});
  const Word leaf = w.make(spv::Op::OpTypePointer, {6, w.u32});
  std::vector<Word> args(251, zero);
  args[0] = variable;
  w.begin(w.main);
  for (Word i = 0; i < n; ++i) w.value(spv::Op::OpAccessChain, leaf, args);
  w.end();
  return w.bytes();
}

// Names, decorations and decoration groups of one id.
Bytes names_and_decorations(Word n) {
  Words w;
  w.model();
  w.main = w.id();
  w.add(spv::Op::OpEntryPoint, {5, w.main, 0x6E69616D, 0});
  w.add(spv::Op::OpExecutionMode, {w.main, 17, 1, 1, 1});
  const Word group = w.id(), value = w.id();
  for (Word i = 0; i < n; ++i) w.add(spv::Op::OpName, {value, 0x41414141, 0x41414141, 0});
  for (Word i = 0; i < n; ++i) w.add(spv::Op::OpDecorate, {group, 0});
  w.add(spv::Op::OpDecorationGroup, {group});
  for (Word i = 0; i < n; ++i) w.add(spv::Op::OpGroupDecorate, {group, value});
  w.declare();
  w.add(spv::Op::OpConstant, {w.u32, value, 7});
  w.begin(w.main);
  w.end();
  return w.bytes();
}

Bytes many_imports(Word n) {
  Words w;
  std::vector<Word> sets;
  for (Word i = 0; i < n; ++i) {
    sets.push_back(w.id());
    w.add(spv::Op::OpExtInstImport, {sets.back(), 0x4C534C47, 0x6474732E, 0x3035342E, 0});
  }
  w.start();
  const Word f32 = w.make(spv::Op::OpTypeFloat, {32});
  const Word number = w.value(spv::Op::OpConstant, f32, {0x3F800000});
  w.begin(w.main);
  for (const Word set : sets) w.value(spv::Op::OpExtInst, f32, {set, 31, number});
  w.end();
  return w.bytes();
}

// A name of many bytes, in words.
std::vector<Word> long_name() {
  std::vector<Word> name(25000, 0x41414141);
  name.back() = 0;
  return name;
}

// What comes before the types of a module with entry points "AAAA", "AAAB" ...
std::vector<Word> entry_functions(Words& w, Word n) {
  std::vector<Word> functions;
  for (Word i = 0; i < n; ++i) {
    functions.push_back(w.id());
    w.add(
        spv::Op::OpEntryPoint,
        {5, functions.back(), 0x41414141 + i % 16 + i / 16 % 16 * 0x0100 + i / 256 * 0x010000, 0});
  }
  for (const Word function : functions) w.add(spv::Op::OpExecutionMode, {function, 17, 1, 1, 1});
  return functions;
}

// Each entry point reads a block of push constants with so many members, each a struct of a u32.
Bytes push_blocks(Word entries, Word members, bool has_long_names) {
  constexpr Word kBlock = 2, kOffset = 35, kPushConstant = 9;
  Words w;
  w.model();
  const std::vector<Word> functions = entry_functions(w, entries);
  const Word part = w.id(), block = w.id(), shared = w.id();
  if (has_long_names) w.add(spv::Op::OpName, {part}, long_name());
  w.add(spv::Op::OpDecorate, {block, kBlock});
  w.add(spv::Op::OpMemberDecorate, {part, 0, kOffset, 0});
  for (Word i = 0; i < members; ++i) w.add(spv::Op::OpMemberDecorate, {block, i, kOffset, 4 * i});
  w.declare();
  w.add(spv::Op::OpTypeStruct, {part, w.u32});
  w.add(spv::Op::OpTypeStruct, {block}, std::vector<Word>(members, part));
  const Word zero = w.value(spv::Op::OpConstant, w.u32, {0});
  const Word pointer = w.make(spv::Op::OpTypePointer, {kPushConstant, block});
  const Word to_word = w.make(spv::Op::OpTypePointer, {kPushConstant, w.u32});
  const Word variable = w.value(spv::Op::OpVariable, pointer, {kPushConstant});
  w.begin(shared);
  w.value(spv::Op::OpLoad, w.u32,
          {w.value(spv::Op::OpAccessChain, to_word, {variable, zero, zero})});
  w.end();
  for (const Word function : functions) {
    w.begin(function);
    w.value(spv::Op::OpFunctionCall, w.void_type, {shared});
    w.end();
  }
  return w.bytes();
}

Bytes long_type_names(Word n) {
  return push_blocks(1, n, true);
}

Bytes push_blocks_of_entries(Word n) {
  return push_blocks(n, 10000, false);
}

// A group that has a name for a member, and n members of a struct.
Bytes names_in_groups(Word n) {
  Words w;
  w.model();
  w.main = w.id();
  w.add(spv::Op::OpEntryPoint, {5, w.main, 0x6E69616D, 0});
  w.add(spv::Op::OpExecutionMode, {w.main, 17, 1, 1, 1});
  const Word group = w.id(), type = w.id();
  w.add(spv::Op::OpMemberName, {group, 0}, long_name());
  w.add(spv::Op::OpDecorationGroup, {group});
  std::vector<Word> members;
  for (Word i = 0; i < n; ++i) members.insert(members.end(), {type, i});
  w.add(spv::Op::OpGroupMemberDecorate, {group}, members);
  w.declare();
  w.add(spv::Op::OpTypeStruct, {type}, std::vector<Word>(n, w.u32));
  w.begin(w.main);
  w.end();
  return w.bytes();
}

struct Shape {
  const char* name;
  Bytes (*make)(Word n);
  std::vector<Word> sizes;
  Word most;  // the largest size that is accepted
};

const Shape kShapes[] = {
    {"nested loops", nested_loops, {10, 50, 100, 1000, 10000}, 1000},
    {"nested selections", nested_selections, {10, 50, 200, 1000, 10000}, 1000},
    {"selections in a loop", selections_in_a_loop, {100, 1000, 2000, 30000}, 30000},
    {"many blocks", many_blocks, {1000, 10000, 200000}, 10000},
    {"many cases", many_cases, {1000, 10000, 30000, 100000}, 30000},
    {"structs of two of the last", doubled_structs, {4, 12, 40, 250}, 12},
    {"wide structs in structs", wide_structs, {10, 30, 60, 10000}, 30},
    {"loads of a wide struct", wide_loads, {10, 200, 20000}, 200},
    {"values of 2^28 words", huge_nulls, {1, 100, 10000}, 10000},
    {"wide composites", huge_composites, {1, 10, 40}, 40},
    {"deep calls", deep_calls, {64, 500, 1000, 20000}, 1000},
    {"functions that call the next 16 times", bushy_calls, {4, 64, 500, 5000}, 500},
    {"many entry points", many_entries, {10, 300, 1000, 10000}, 1000},
    {"names of one entry point", many_names, {10, 500, 1000, 20000}, 1000},
    {"phis", huge_phis, {10, 100, 1000}, 1000},
    {"deep access chains", deep_access_chains, {10, 1000}, 1000},
    {"names and decorations", names_and_decorations, {10, 1000, 20000}, 1000},
    {"imports", many_imports, {10, 1000, 20000}, 20000},
    {"members of a type with a long name", long_type_names, {10, 100, 1000, 10000}, 100},
    {"entry points with a wide block", push_blocks_of_entries, {10, 100, 1000}, 10},
    {"names in groups of decorations", names_in_groups, {10, 1000, 20000}, 0},
};

struct Cost {
  std::uint64_t steps = 0, bytes = 0;
  bool accepted = false;
  std::string sentence;
};

template <class Run>
Cost cost_of(Run&& run) {
  work_steps = 0;
  const std::uint64_t before = allocated_bytes;
  Cost cost;
  cost.sentence = run();
  cost.accepted = cost.sentence.empty();
  cost.steps = work_steps;
  cost.bytes = allocated_bytes - before;
  return cost;
}

std::string text_of(const Result<void>& result) {
  return result ? "" : result.failure().sentence;
}

// What docs/assurance.md states.
constexpr std::uint64_t kStepsPerWord = 1100, kFreeSteps = 1 << 22;
constexpr std::uint64_t kDecodedBytesPerByte = 400, kValidatedBytesPerByte = 4000;
constexpr std::uint64_t kFreeBytes = 128 << 20, kFreeValidatedBytes = 256 << 20;

void check(const Shape& shape, Word size) {
  const Bytes bytes = shape.make(size);
  const std::uint64_t words = bytes.size() / 4;
  SCOPED_TRACE(fmt::format("{} {}: {} bytes", shape.name, size, bytes.size()));
  const Cost decoded = cost_of([&] {
    const auto module = decode(bytes);
    if (!module) return module.failure().sentence;
    (void)reflect(**module);
    return std::string();
  });
  EXPECT_LE(decoded.steps, kFreeSteps + kStepsPerWord * words);
  EXPECT_LE(decoded.bytes, kFreeBytes + kDecodedBytesPerByte * bytes.size());
  const Cost off = cost_of([&] { return text_of(validate(bytes, {Strictness::kOff})); });
  const Cost validated = cost_of([&] { return text_of(validate(bytes)); });
  EXPECT_LE(validated.steps, kFreeSteps + kStepsPerWord * words);
  EXPECT_LE(validated.bytes, kFreeValidatedBytes + kValidatedBytesPerByte * bytes.size());
  EXPECT_EQ(off.accepted, decoded.accepted) << off.sentence << decoded.sentence;
  if (std::getenv("SOKR_HOSTILE_PRINT") != nullptr) {
    std::printf(
        "%-40s %6u: %8zu bytes; steps/word %7.1f; decoded bytes/byte %7.1f, validated %9.1f %s\n",
        shape.name, size, bytes.size(), double(decoded.steps) / double(words),
        double(decoded.bytes) / double(bytes.size()),
        double(validated.bytes) / double(bytes.size()), validated.sentence.c_str());
  }
  EXPECT_EQ(validated.accepted, size <= shape.most) << validated.sentence;
  EXPECT_EQ(validated.sentence.find('\n'), std::string::npos);
}

#ifndef SOKR_TEST_OWN_OPERATORS
TEST(Hostile, BytesAreCounted) {
  EXPECT_GE(cost_of([] { return std::string(5000, 'x'); }).bytes, 5000u);
}
#endif

TEST(Hostile, WorkIsInProportionToTheModule) {
  for (const Shape& shape : kShapes)
    for (const Word size : shape.sizes) check(shape, size);
}

// Each of n arrays has a length of 0 that a launch may change, by way of 16000 constants.
TEST(Hostile, LengthsThatManyConstantsDecideTakeTheirStepsOnce) {
  constexpr Word kSpecId = 1, kMembers = 16000, kArrays = 1000;
  Words w;
  w.model();
  w.main = w.id();
  w.add(spv::Op::OpEntryPoint, {5, w.main, 0x6E69616D, 0});
  w.add(spv::Op::OpExecutionMode, {w.main, 17, 1, 1, 1});
  const Word given = w.id();
  w.add(spv::Op::OpDecorate, {given, kSpecId, 7});
  w.declare();
  w.add(spv::Op::OpSpecConstant, {w.u32, given, 0});
  std::vector<Word> parts{given};
  while (parts.size() < kMembers) parts.push_back(w.value(spv::Op::OpSpecConstant, w.u32, {0}));
  const Word type = w.make(spv::Op::OpTypeStruct, std::vector<Word>(kMembers, w.u32));
  const Word all = w.value(spv::Op::OpSpecConstantComposite, type, parts);
  const Word length = w.value(spv::Op::OpSpecConstantOp, w.u32,
                              {static_cast<Word>(spv::Op::OpCompositeExtract), all, 0});
  for (Word i = 0; i < kArrays; ++i) w.make(spv::Op::OpTypeArray, {w.u32, length});
  w.begin(w.main);
  w.end();
  const Bytes bytes = w.bytes();
  const Cost cost = cost_of([&] {
    const auto module = decode(bytes, {.any_values = true});
    return module ? std::string() : module.failure().sentence;
  });
  EXPECT_EQ(cost.sentence, "");
  EXPECT_LE(cost.steps, kFreeSteps + kStepsPerWord * (bytes.size() / 4));
  EXPECT_NE(refusal(bytes, {}, SOKR_INVALID_INPUT).find("decided by specialization constant 7"),
            std::string::npos);
}

TEST(Hostile, LimitsAreNamed) {
  const auto sentence = [](const Bytes& bytes) {
    const auto valid = validate(bytes);
    if (valid) return std::string("accepted");
    EXPECT_EQ(valid.code(), SOKR_CAPABILITY_DENIED) << valid.failure().sentence;
    return valid.failure().sentence;
  };
  EXPECT_NE(sentence(doubled_structs(40)).find("the type has more than 65536 parts"),
            std::string::npos);
  const Result<void> nested = validate(nested_loops(1100));
  ASSERT_FALSE(nested.ok());
  EXPECT_NE(nested.failure().sentence.find("nested too deep, the limit is 1023"), std::string::npos)
      << nested.failure().sentence;
  EXPECT_NE(sentence(many_blocks(70000)).find("the function has 70001 blocks, the limit is 65536"),
            std::string::npos);
  EXPECT_NE(sentence(deep_calls(1100)).find("calls nest deeper than 1024"), std::string::npos);
  EXPECT_NE(sentence(many_entries(5000)).find("there are more than 4096 compute entry points"),
            std::string::npos);
  EXPECT_NE(sentence(wide_loads(2000)).find("types and results up to here have more than"),
            std::string::npos);
}

// What would take the validator too long is read without it, and that is said.
TEST(Hostile, TheReaderStandsInForTheValidator) {
  constexpr std::string_view kSteps = "the control flow would take the validator";
  const Result<void> strict = validate(nested_loops(500), {Strictness::kStrict});
  ASSERT_FALSE(strict.ok());
  EXPECT_EQ(strict.code(), SOKR_CAPABILITY_DENIED);
  EXPECT_TRUE(strict.failure().sentence.starts_with(kSteps)) << strict.failure().sentence;
  // The first takes it a second: it would be asked by the host, and by each substrate again. Who
  // wants its word waits for it.
  for (const Bytes& bytes : {nested_loops(200), nested_selections(300), nested_loops(500)}) {
    std::string remark;
    EXPECT_TRUE(validate(bytes, {Strictness::kRelaxed, &remark}).ok());
    EXPECT_TRUE(remark.starts_with(kSteps)) << remark;
    EXPECT_TRUE(remark.ends_with("so that it was not asked")) << remark;
  }
  EXPECT_TRUE(validate(nested_selections(300), {Strictness::kStrict}).ok());
}

// What a kernel becomes when its calls are inlined is known without doing it, and does not wrap.
TEST(Hostile, InlinedSizesAreSums) {
  const auto size = [](Word depth, Word calls) {
    const auto module = decode_ok(call_chain(depth, calls));
    return *module->function(module->entry_points()[0].function);
  };
  EXPECT_EQ(size(0, 0).inlined_instructions, 1u);
  EXPECT_EQ(size(0, 0).inlined_blocks, 2u);
  EXPECT_EQ(size(1, 3).inlined_instructions, 4u + 3u);
  EXPECT_EQ(size(1, 3).inlined_blocks, 2u + 3u * 2u);
  EXPECT_EQ(size(2, 3).inlined_instructions, 4u + 3u * (4u + 3u));
  EXPECT_EQ(size(64, 1).call_depth, 64u);
  EXPECT_EQ(size(4, 16).inlined_instructions, 17u + 16u * (17u + 16u * (17u + 16u * (17u + 16u))));
  EXPECT_EQ(size(100, 16).inlined_instructions, UINT64_MAX);
  EXPECT_EQ(size(100, 16).inlined_blocks, UINT64_MAX);
}

TEST(Hostile, RecursionIsRefused) {
  Words w;
  w.start();
  const Word other = w.id();
  for (const auto& [function, callee] : {std::pair(w.main, other), std::pair(other, w.main)}) {
    w.begin(function);
    w.value(spv::Op::OpFunctionCall, w.void_type, {callee});
    w.end();
  }
  EXPECT_NE(refusal(w.bytes()).find("recursion is not allowed"), std::string::npos);
}

}  // namespace
}  // namespace sokr::spirv
