// SPDX-License-Identifier: MIT OR Apache-2.0
#include "spirv_support.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace sokr::spirv {

Bytes assemble(std::string_view text, spv_target_env env) {
  spv_context context = spvContextCreate(env);
  spv_binary binary = nullptr;
  spv_diagnostic diagnostic = nullptr;
  spvTextToBinaryWithOptions(context, text.data(), text.size(),
                             SPV_TEXT_TO_BINARY_OPTION_PRESERVE_NUMERIC_IDS, &binary, &diagnostic);
  Bytes bytes;
  if (binary != nullptr) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(binary->code);
    bytes.assign(begin, begin + binary->wordCount * 4);
  }
  if (diagnostic != nullptr) {
    ADD_FAILURE() << "line " << diagnostic->position.line + 1 << ": " << diagnostic->error << "\n"
                  << text;
  }
  spvDiagnosticDestroy(diagnostic);
  spvBinaryDestroy(binary);
  spvContextDestroy(context);
  return bytes;
}

Bytes swap_words(Bytes bytes) {
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at) + 4);
  }
  return bytes;
}

namespace {

std::uint32_t word_at(const Bytes& bytes, std::size_t at) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data() + at, 4);
  return word;
}

std::size_t place_of(const Bytes& bytes, spv::Op op) {
  std::size_t at = 20;
  while (at < bytes.size() && (word_at(bytes, at) & 0xFFFF) != static_cast<std::uint32_t>(op))
    at += 4 * std::max<std::size_t>(1, word_at(bytes, at) >> 16);
  return at;
}

}  // namespace

Bytes insert_words(const Bytes& bytes, spv::Op op, const std::vector<std::uint32_t>& words) {
  Bytes result = bytes;
  const auto* begin = reinterpret_cast<const std::uint8_t*>(words.data());
  result.insert(result.begin() + static_cast<std::ptrdiff_t>(place_of(bytes, op)), begin,
                begin + words.size() * 4);
  return result;
}

std::uint32_t word_of(const Bytes& bytes, spv::Op op, std::size_t index) {
  const std::size_t at = place_of(bytes, op);
  return at < bytes.size() ? word_at(bytes, at + 4 * index) : 0;
}

Bytes raise_bound(Bytes bytes) {
  const std::uint32_t bound = word_at(bytes, 12) + 16;
  std::memcpy(bytes.data() + 12, &bound, 4);
  return bytes;
}

Bytes replace_operand(Bytes bytes, spv::Op op, std::size_t index, std::uint32_t from,
                      std::uint32_t to) {
  for (std::size_t at = 20; at + 4 <= bytes.size(); at += 4 * (word_at(bytes, at) >> 16)) {
    const std::size_t operand = at + 4 * index;
    if ((word_at(bytes, at) & 0xFFFF) != static_cast<std::uint32_t>(op) ||
        word_at(bytes, operand) != from)
      continue;
    std::memcpy(bytes.data() + operand, &to, 4);
  }
  return bytes;
}

const std::vector<NamedModule>& compiled_modules() {
  static const std::vector<NamedModule> kModules = [] {
    std::vector<NamedModule> modules;
    for (const auto& file : std::filesystem::directory_iterator(SOKR_TEST_SPV_DIR)) {
      if (file.path().extension() != ".spv") continue;
      std::ifstream stream(file.path(), std::ios::binary);
      modules.push_back(
          {file.path().stem().string(), Bytes(std::istreambuf_iterator<char>(stream), {})});
    }
    std::sort(modules.begin(), modules.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return modules;
  }();
  return kModules;
}

Bytes compiled_module(const std::string& name) {
  for (const NamedModule& module : compiled_modules()) {
    if (module.name == name) return module.bytes;
  }
  ADD_FAILURE() << name << " was not compiled";
  return {};
}

std::shared_ptr<const Module> decode_ok(const Bytes& bytes, const DecodeOptions& options) {
  auto module = decode(bytes, options);
  if (!module) {
    ADD_FAILURE() << module.failure().sentence;
    return nullptr;
  }
  return *module;
}

std::string refusal(const Bytes& bytes, const DecodeOptions& options, SokrResult code) {
  const auto module = decode(bytes, options);
  if (module) {
    ADD_FAILURE() << "the module was accepted";
    return {};
  }
  EXPECT_EQ(module.code(), code) << module.failure().sentence;
  EXPECT_EQ(module.failure().sentence.find('\n'), std::string::npos);
  return module.failure().sentence;
}

std::string compute_module(std::string_view annotations, std::string_view declarations,
                           std::string_view functions, std::string_view capabilities) {
  return fmt::format(R"(
OpCapability Shader
{}
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 8 4 2
{}
%void = OpTypeVoid
%bool = OpTypeBool
%u32 = OpTypeInt 32 0
%i32 = OpTypeInt 32 1
%f32 = OpTypeFloat 32
%void_fn = OpTypeFunction %void
%u0 = OpConstant %u32 0
%u1 = OpConstant %u32 1
%u2 = OpConstant %u32 2
%true = OpConstantTrue %bool
%undef = OpUndef %bool
%sel = OpUndef %u32
{}
{})",
                     capabilities, annotations, declarations, functions);
}

std::string compute_main(std::string_view body, std::string_view declarations,
                         std::string_view annotations) {
  return compute_module(annotations, declarations,
                        fmt::format("%main = OpFunction %void None %void_fn\n"
                                    "%entry = OpLabel\n{}\nOpFunctionEnd\n",
                                    body));
}

namespace {

// Blocks that can be reached from `start` through forward edges inside [begin, end)
// without entering `stop`.
std::set<BlockIndex> closure(const Function& function, BlockIndex start, BlockIndex begin,
                             BlockIndex end, BlockIndex stop) {
  std::set<BlockIndex> seen;
  std::vector<BlockIndex> work{start};
  while (!work.empty()) {
    const BlockIndex at = work.back();
    work.pop_back();
    if (at == stop || at < begin || at >= end || !seen.insert(at).second) continue;
    const Block& block = function.blocks[at];
    for (const BlockIndex next : block.successors) work.push_back(next);
    if (block.merge != kNone) work.push_back(block.merge);
    if (block.continue_target != kNone) work.push_back(block.continue_target);
  }
  return seen;
}

std::string construct_problem(const Function& f, std::size_t index) {
  const Construct& c = f.constructs[index];
  if (c.begin >= c.end || c.end > f.blocks.size()) return "an empty or overlong range";
  if (c.header != c.begin) return "a header that is not its begin";
  if (index == 0)
    return c.parent == kNone && c.begin == 0 && c.end == f.blocks.size()
               ? ""
               : "a function construct that is not the function";
  if (c.parent >= index) return "a parent that does not come before it";
  const Construct& parent = f.constructs[c.parent];
  if (c.begin < parent.begin || c.end > parent.end) return "a range outside of its parent's";
  const Block& header = f.blocks[c.begin];
  const bool has_merge = c.kind == ConstructKind::kSelection || c.kind == ConstructKind::kSwitch ||
                         c.kind == ConstructKind::kLoop;
  if (has_merge) {
    if (c.merge != header.merge) return "another merge block than its header";
    if (c.merge != c.end) return "a merge block that does not follow it";
    // Everything between header and merge block hangs together, and only that.
    const auto inside = closure(f, c.begin, c.begin, f.blocks.size(), c.merge);
    for (BlockIndex at = c.begin; at < c.end; ++at) {
      if (!inside.contains(at)) return "a block that its header does not lead to";
    }
  }
  if (c.kind == ConstructKind::kLoop) {
    if (header.merge_kind != MergeKind::kLoop) return "no loop header";
    if (c.continue_target != header.continue_target)
      return "another continue target than its header";
    if (c.continue_target < c.begin || c.continue_target >= c.end)
      return "a continue target outside";
    bool has_continue = false;
    for (const Construct& child : f.constructs) {
      has_continue =
          has_continue || (child.kind == ConstructKind::kContinue && child.parent == index &&
                           child.begin == c.continue_target && child.end == c.end);
    }
    if (has_continue == (c.continue_target == c.begin))
      return "a continue construct that is not last";
  }
  if (c.kind == ConstructKind::kSwitch && header.terminator.op != spv::Op::OpSwitch) {
    return "no switch in its header";
  }
  if (c.kind == ConstructKind::kSelection && header.terminator.op != spv::Op::OpBranchConditional) {
    return "no conditional branch in its header";
  }
  if (c.kind == ConstructKind::kCase && parent.kind != ConstructKind::kSwitch) {
    return "a case outside of a switch";
  }
  return "";
}

std::string edge_problem(const Function& f, BlockIndex from, BlockIndex to) {
  const auto contains = [&](const Construct& c, BlockIndex at) {
    return c.begin <= at && at < c.end;
  };
  if (to <= from) {
    const Block& header = f.blocks[to];
    if (header.merge_kind != MergeKind::kLoop) return "goes back to no loop header";
    if (from < header.continue_target || from >= header.merge) {
      return "goes back from outside of the continue construct";
    }
    return "";
  }
  bool leaves = false, is_exit = false;
  for (std::size_t i = 0; i < f.constructs.size(); ++i) {
    const Construct& c = f.constructs[i];
    if (contains(c, to) && !contains(c, from) && c.begin != to) return "enters a construct midway";
    if (!contains(c, from)) continue;
    if (c.kind == ConstructKind::kLoop && c.continue_target == to) is_exit = true;
    if (contains(c, to)) continue;
    leaves = true;
    if (c.merge == to) is_exit = true;
    if (c.kind == ConstructKind::kCase) {
      for (const Construct& other : f.constructs) {
        if (other.kind == ConstructKind::kCase && other.parent == c.parent && other.begin == to) {
          is_exit = true;
        }
      }
    }
  }
  return leaves && !is_exit ? "leaves its construct for an arbitrary block" : "";
}

}  // namespace

std::string structure_problem(const Module& module, const Function& f) {
  if (f.blocks.empty() || f.constructs.empty()) return "no blocks or constructs";
  for (std::size_t i = 0; i < f.constructs.size(); ++i) {
    const std::string problem = construct_problem(f, i);
    if (!problem.empty()) return fmt::format("construct {} has {}", i, problem);
  }
  std::size_t edges = 0, reversed = 0;
  for (BlockIndex at = 0; at < f.blocks.size(); ++at) {
    const Block& block = f.blocks[at];
    if (f.block_of(block.label) != at) return fmt::format("block {} is not found by label", at);
    // The innermost construct is the last in the list that contains the block.
    std::uint32_t innermost = 0;
    for (std::uint32_t i = 0; i < f.constructs.size(); ++i) {
      if (f.constructs[i].begin <= at && at < f.constructs[i].end) innermost = i;
    }
    if (block.construct != innermost) return fmt::format("block {} has another construct", at);
    if (block.reachable ==
        (at != 0 && std::none_of(block.predecessors.begin(), block.predecessors.end(),
                                 [&](BlockIndex p) { return f.blocks[p].reachable; }))) {
      return fmt::format("block {} is wrongly flagged reachable or not", at);
    }
    edges += block.successors.size();
    for (const BlockIndex next : block.successors) {
      if (next >= f.blocks.size()) return fmt::format("block {} has no such successor", at);
      const auto& back = f.blocks[next].predecessors;
      reversed += static_cast<std::size_t>(std::count(back.begin(), back.end(), at));
      const std::string problem = edge_problem(f, at, next);
      if (!problem.empty()) return fmt::format("the edge {} to {} {}", at, next, problem);
    }
    const SwitchTargets targets = module.switch_targets(f, block);
    if (block.terminator.op == spv::Op::OpSwitch && targets.default_target == kNone) {
      return fmt::format("block {} has no default target", at);
    }
  }
  std::size_t predecessors = 0;
  for (const Block& block : f.blocks) predecessors += block.predecessors.size();
  if (edges != reversed || edges != predecessors) return "predecessors are not reversed successors";
  return "";
}

}  // namespace sokr::spirv
