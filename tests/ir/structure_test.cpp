// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <random>

#include "spirv_support.hpp"

namespace sokr::spirv {
namespace {

std::vector<ConstructKind> kinds(const Function& function) {
  std::vector<ConstructKind> all;
  for (const Construct& construct : function.constructs) all.push_back(construct.kind);
  return all;
}

const Function& main_of(const Module& module) {
  return *module.function(module.entry_points()[0].function);
}

std::shared_ptr<const Module> structured(const std::string& body) {
  auto module = decode_ok(assemble(compute_main(body)));
  EXPECT_EQ(module != nullptr ? structure_problem(*module, main_of(*module)) : "", "") << body;
  return module;
}

TEST(Structure, EveryCompiledModuleHoldsWhatTheModelPromises) {
  ASSERT_GE(compiled_modules().size(), 12u);
  std::size_t constructs = 0;
  for (const NamedModule& named : compiled_modules()) {
    const auto module = decode_ok(named.bytes);
    ASSERT_NE(module, nullptr) << named.name;
    for (const Function& function : module->functions()) {
      EXPECT_EQ(structure_problem(*module, function), "") << named.name << " " << function.name;
      constructs += function.constructs.size();
    }
  }
  EXPECT_GT(constructs, 100u);
}

TEST(Structure, SelectionLiesBetweenHeaderAndMerge) {
  const auto module = structured(R"(
OpSelectionMerge %merge None
OpBranchConditional %undef %then %else
%merge = OpLabel
OpReturn
%else = OpLabel
OpBranch %merge
%then = OpLabel
OpBranch %merge)");
  const Function& f = main_of(*module);
  ASSERT_EQ(f.blocks.size(), 4u);
  EXPECT_EQ(kinds(f), (std::vector{ConstructKind::kFunction, ConstructKind::kSelection}));
  EXPECT_EQ(f.constructs[1].begin, 0u);
  EXPECT_EQ(f.constructs[1].end, 3u);
  EXPECT_EQ(f.blocks[0].merge, 3u);
  EXPECT_EQ(f.blocks[3].construct, 0u);
  EXPECT_EQ(f.blocks[3].predecessors, (std::vector<BlockIndex>{1, 2}));
}

TEST(Structure, ContinueConstructEndsTheLoop) {
  const auto module = structured(R"(
OpBranch %header
%header = OpLabel
OpLoopMerge %merge %continue None
OpBranch %test
%continue = OpLabel
OpBranch %latch
%latch = OpLabel
OpBranch %header
%test = OpLabel
OpBranchConditional %undef %body %merge
%body = OpLabel
OpSelectionMerge %after None
OpBranchConditional %undef %break %after
%break = OpLabel
OpBranch %merge
%after = OpLabel
OpSelectionMerge %end None
OpBranchConditional %undef %next %end
%next = OpLabel
OpBranch %continue
%end = OpLabel
OpBranch %continue
%merge = OpLabel
OpReturn)");
  const Function& f = main_of(*module);
  EXPECT_EQ(kinds(f),
            (std::vector{ConstructKind::kFunction, ConstructKind::kLoop, ConstructKind::kSelection,
                         ConstructKind::kSelection, ConstructKind::kContinue}));
  EXPECT_EQ(f.constructs[4].end, f.constructs[1].end);
  EXPECT_EQ(f.constructs[4].parent, 1u);
  EXPECT_EQ(f.constructs[1].merge, 10u);
}

TEST(Structure, LoopThatIsItsOwnContinueTargetHasNoContinueConstruct) {
  const auto module = structured(R"(
OpBranch %header
%header = OpLabel
OpLoopMerge %merge %header None
OpBranchConditional %undef %header %merge
%merge = OpLabel
OpReturn)");
  const Function& f = main_of(*module);
  EXPECT_EQ(kinds(f), (std::vector{ConstructKind::kFunction, ConstructKind::kLoop}));
  EXPECT_EQ(f.blocks[1].continue_target, 1u);
  EXPECT_EQ(f.blocks[1].predecessors, (std::vector<BlockIndex>{0, 1}));
}

TEST(Structure, InfiniteLoopKeepsItsUnreachedMerge) {
  const auto module = structured(R"(
OpBranch %header
%header = OpLabel
OpLoopMerge %merge %continue None
OpBranch %continue
%continue = OpLabel
OpBranch %header
%merge = OpLabel
OpUnreachable)");
  const Function& f = main_of(*module);
  ASSERT_EQ(f.blocks.size(), 4u);
  EXPECT_FALSE(f.blocks[3].reachable);
  EXPECT_TRUE(f.blocks[3].predecessors.empty());
}

TEST(Structure, LoopThatAlwaysReturnsKeepsItsUnreachedContinue) {
  const auto module = structured(R"(
OpBranch %header
%header = OpLabel
OpLoopMerge %merge %continue None
OpBranchConditional %undef %body %merge
%body = OpLabel
OpReturn
%continue = OpLabel
OpBranch %latch
%latch = OpLabel
OpBranch %header
%merge = OpLabel
OpReturn)");
  const Function& f = main_of(*module);
  ASSERT_EQ(f.blocks.size(), 6u);
  EXPECT_FALSE(f.blocks[f.blocks[1].continue_target].reachable);
  EXPECT_FALSE(f.blocks[f.blocks[1].continue_target + 1].reachable);
}

TEST(Structure, UnreachableBlocksAreDroppedAndPhisMayNameThem) {
  const auto module = structured(R"(
OpBranch %end
%dead = OpLabel
OpBranch %end
%end = OpLabel
%phi = OpPhi %u32 %u0 %entry %u1 %dead
OpReturn)");
  const Function& f = main_of(*module);
  ASSERT_EQ(f.blocks.size(), 2u);
  ASSERT_EQ(f.blocks[1].phis.size(), 1u);
  EXPECT_TRUE(f.blocks[1].body.empty());
  ASSERT_EQ(f.blocks[1].phis[0].args.size(), 4u);
  EXPECT_EQ(f.block_of(f.blocks[1].phis[0].args[1]), 0u);
  EXPECT_EQ(f.block_of(f.blocks[1].phis[0].args[3]), kNone);
  EXPECT_EQ(f.blocks[1].predecessors, std::vector<BlockIndex>{0});
}

TEST(Structure, SwitchWithFallthroughKeepsEachCaseInOnePiece) {
  // Case 1 falls through to the default and that to case 2; the condition inside the
  // default has no merge of its own, because one way breaks out of the switch.
  const auto module = structured(R"(
OpSelectionMerge %merge None
OpSwitch %sel %default 1 %one 2 %two 3 %three
%three = OpLabel
OpBranch %merge
%two = OpLabel
OpBranch %two_b
%two_b = OpLabel
OpBranch %merge
%one = OpLabel
OpBranchConditional %undef %one_b %default
%one_b = OpLabel
OpBranch %merge
%default = OpLabel
OpBranchConditional %undef %default_b %two
%default_b = OpLabel
OpBranch %merge
%merge = OpLabel
OpReturn)");
  const Function& f = main_of(*module);
  const std::vector<ConstructKind> all = kinds(f);
  EXPECT_EQ(std::count(all.begin(), all.end(), ConstructKind::kCase), 4);
  const SwitchTargets targets = module->switch_targets(f, f.blocks[0]);
  ASSERT_EQ(targets.cases.size(), 3u);
  EXPECT_EQ(targets.width, 32u);
  EXPECT_LT(targets.cases[0].target, targets.default_target);
  EXPECT_LT(targets.default_target, targets.cases[1].target);
}

TEST(Structure, DefaultOnlySwitchIsASwitchOfOneCase) {
  const auto module = structured(R"(
OpSelectionMerge %merge None
OpSwitch %u0 %only
%only = OpLabel
OpSelectionMerge %rest None
OpBranchConditional %undef %early %rest
%early = OpLabel
OpBranch %merge
%rest = OpLabel
OpBranch %merge
%merge = OpLabel
OpReturn)");
  const Function& f = main_of(*module);
  EXPECT_EQ(kinds(f), (std::vector{ConstructKind::kFunction, ConstructKind::kSwitch,
                                   ConstructKind::kCase, ConstructKind::kSelection}));
  EXPECT_TRUE(module->switch_targets(f, f.blocks[0]).cases.empty());
}

TEST(Structure, SwitchThatOnlyGoesToItsMergeHasNoCases) {
  const auto module = structured(R"(
OpSelectionMerge %merge None
OpSwitch %sel %merge 1 %merge
%merge = OpLabel
OpReturn)");
  const Function& f = main_of(*module);
  EXPECT_EQ(kinds(f), (std::vector{ConstructKind::kFunction, ConstructKind::kSwitch}));
  EXPECT_EQ(f.blocks[0].successors, std::vector<BlockIndex>{1});
}

TEST(Structure, SwitchInALoopMayContinueAndReturn) {
  structured(R"(
OpBranch %header
%header = OpLabel
OpLoopMerge %merge %continue None
OpBranch %body
%body = OpLabel
OpSelectionMerge %switch_merge None
OpSwitch %sel %switch_merge 1 %a 2 %continue 7 %b
%a = OpLabel
OpSelectionMerge %a_merge None
OpBranchConditional %undef %a_return %a_merge
%a_return = OpLabel
OpReturn
%a_merge = OpLabel
OpBranch %b
%b = OpLabel
OpKill
%switch_merge = OpLabel
OpBranchConditional %undef %merge %continue
%continue = OpLabel
OpBranch %header
%merge = OpLabel
OpReturn)");
}

TEST(Structure, SwitchLiteralsHaveTheSelectorsWidth) {
  const auto module = decode_ok(assemble(compute_module(
      "",
      "%i64 = OpTypeInt 64 1\n%i16 = OpTypeInt 16 1\n%wide = OpUndef %i64\n%narrow = OpUndef %i16",
      R"(
%main = OpFunction %void None %void_fn
%entry = OpLabel
OpSelectionMerge %m1 None
OpSwitch %wide %m1 -1 %a 4294967298 %b
%a = OpLabel
OpBranch %m1
%b = OpLabel
OpBranch %m1
%m1 = OpLabel
OpSelectionMerge %m2 None
OpSwitch %narrow %m2 -1 %c
%c = OpLabel
OpBranch %m2
%m2 = OpLabel
OpReturn
OpFunctionEnd)",
      "OpCapability Int64\nOpCapability Int16")));
  const Function& f = main_of(*module);
  const SwitchTargets wide = module->switch_targets(f, f.blocks[0]);
  ASSERT_EQ(wide.cases.size(), 2u);
  EXPECT_EQ(wide.width, 64u);
  EXPECT_EQ(wide.cases[0].literal, UINT64_MAX);
  EXPECT_EQ(wide.cases[1].literal, 4294967298u);
  const SwitchTargets narrow = module->switch_targets(f, f.blocks[wide.default_target]);
  ASSERT_EQ(narrow.cases.size(), 1u);
  EXPECT_EQ(narrow.width, 16u);
  EXPECT_EQ(narrow.cases[0].literal, 0xFFFFu);
}

struct Refusal {
  const char* name;
  const char* body;
  const char* sentence;
};

class StructureRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(StructureRefusal, NamesTheBlock) {
  const std::string sentence = refusal(assemble(compute_main(GetParam().body)));
  EXPECT_NE(sentence.find(GetParam().sentence), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("instruction "), std::string::npos) << sentence;
}

INSTANTIATE_TEST_SUITE_P(Cases, StructureRefusal,
                         testing::Values(Refusal{"BackEdge", R"(
OpBranch %a
%a = OpLabel
OpBranchConditional %undef %a %b
%b = OpLabel
OpReturn)",
                                                 "branches back outside of a loop"},
                                         Refusal{"TwoBackEdges", R"(
OpBranch %header
%header = OpLabel
OpLoopMerge %merge %continue None
OpBranchConditional %undef %continue %merge
%continue = OpLabel
OpSelectionMerge %c None
OpBranchConditional %undef %b %c
%b = OpLabel
OpBranch %header
%c = OpLabel
OpBranch %header
%merge = OpLabel
OpReturn)",
                                                 "is the target of two back edges"},
                                         Refusal{"SharedMerge", R"(
OpSelectionMerge %merge None
OpBranchConditional %undef %a %merge
%a = OpLabel
OpSelectionMerge %merge None
OpBranchConditional %undef %b %merge
%b = OpLabel
OpBranch %merge
%merge = OpLabel
OpReturn)",
                                                 "has a merge block that another header has too"},
                                         Refusal{"MidwayEntry", R"(
OpSelectionMerge %merge None
OpBranchConditional %undef %a %inside
%a = OpLabel
OpSelectionMerge %a_merge None
OpBranchConditional %undef %inside %a_merge
%inside = OpLabel
OpBranch %a_merge
%a_merge = OpLabel
OpBranch %merge
%merge = OpLabel
OpReturn)",
                                                 "branches into the middle of a construct"},
                                         Refusal{"MergeBeforeBranch", R"(
OpSelectionMerge %merge None
OpBranch %merge
%merge = OpLabel
OpReturn)",
                                                 "OpBranch cannot follow it"},
                                         Refusal{"SwitchWithoutMerge", R"(
OpSwitch %sel %a 1 %b
%a = OpLabel
OpReturn
%b = OpLabel
OpReturn)",
                                                 "it needs an OpSelectionMerge before it"},
                                         Refusal{"MergeIsHeader", R"(
OpBranch %header
%header = OpLabel
OpLoopMerge %header %header None
OpBranch %header)",
                                                 "has a merge block that does not follow it"},
                                         Refusal{"NoTerminator", R"(
%next = OpLabel
OpReturn)",
                                                 "the block before it has no terminator"},
                                         Refusal{"NotABlock", R"(
OpBranch %main)",
                                                 "is not a block of this function"},
                                         Refusal{"LatePhi", R"(
OpBranch %next
%next = OpLabel
%sum = OpIAdd %u32 %u0 %u1
%phi = OpPhi %u32 %u0 %entry
OpReturn)",
                                                 "a phi stands at the start of its block"}),
                         [](const auto& test) { return std::string(test.param.name); });

// Random structured programs: what the builder nests, the model must hold.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(std::uint32_t seed) : random_(seed) {}

  std::string build() {
    text_.clear();
    statements(0, {});
    text_ += "OpReturn\n";
    return text_;
  }

 private:
  struct Targets {
    std::string break_to, continue_to;
  };

  std::uint32_t pick(std::uint32_t count) { return random_() % count; }
  std::string fresh(const char* name) { return fmt::format("%{}{}", name, next_++); }
  void label(const std::string& name) { text_ += name + " = OpLabel\n"; }
  void branch(const std::string& to) { text_ += "OpBranch " + to + "\n"; }

  // True if control goes on after them.
  bool statements(int depth, const Targets& targets) {
    for (std::uint32_t i = pick(3); i < 3; ++i) {
      if (!statement(depth, targets)) return false;
    }
    return true;
  }

  void arm(int depth, const Targets& targets, const std::string& end) {
    if (statements(depth, targets)) branch(end);
  }

  bool statement(int depth, const Targets& targets) {
    switch (depth < 5 ? pick(8) : 4 + pick(4)) {
      case 0:
      case 1:
        selection(depth, targets);
        return true;
      case 2:
        loop(depth);
        return true;
      case 3:
        switch_(depth, targets);
        return true;
      case 4:
        return leave(depth, targets);
      default:
        return true;
    }
  }

  bool leave(int depth, const Targets& targets) {
    if (depth == 0) return true;
    switch (pick(4)) {
      case 0:
        text_ += "OpReturn\n";
        return false;
      case 1:
        if (targets.break_to.empty()) return true;
        branch(targets.break_to);
        return false;
      case 2:
        if (targets.continue_to.empty()) return true;
        branch(targets.continue_to);
        return false;
      default:
        text_ += "OpUnreachable\n";
        return false;
    }
  }

  void selection(int depth, const Targets& targets) {
    const std::string then = fresh("then"), other = fresh("else"), merge = fresh("merge");
    const bool has_else = pick(2) == 0;
    text_ += fmt::format("OpSelectionMerge {} None\nOpBranchConditional %undef {} {}\n", merge,
                         then, has_else ? other : merge);
    label(then);
    arm(depth + 1, targets, merge);
    if (has_else) {
      label(other);
      arm(depth + 1, targets, merge);
    }
    label(merge);
  }

  void loop(int depth) {
    const std::string header = fresh("header"), body = fresh("body"), next = fresh("continue"),
                      merge = fresh("merge");
    branch(header);
    label(header);
    text_ += fmt::format("OpLoopMerge {} {} None\n", merge, next);
    text_ += pick(2) == 0 ? fmt::format("OpBranchConditional %undef {} {}\n", body, merge)
                          : fmt::format("OpBranch {}\n", body);
    label(body);
    arm(depth + 1, {merge, next}, next);
    label(next);
    if (pick(3) == 0) selection(5, {});
    text_ += pick(2) == 0 ? fmt::format("OpBranchConditional %undef {} {}\n", header, merge)
                          : fmt::format("OpBranch {}\n", header);
    label(merge);
  }

  void switch_(int depth, const Targets& targets) {
    const std::string merge = fresh("merge");
    std::vector<std::string> cases;
    for (std::uint32_t i = pick(4); i < 5; ++i) cases.push_back(fresh("case"));
    const std::size_t fallback = pick(static_cast<std::uint32_t>(cases.size() + 1));
    const bool has_default = fallback < cases.size();
    text_ += fmt::format("OpSelectionMerge {} None\nOpSwitch %sel {}", merge,
                         has_default ? cases[fallback] : merge);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (i != fallback) text_ += fmt::format(" {} {}", i, cases[i]);
    }
    text_ += "\n";
    for (std::size_t i = 0; i < cases.size(); ++i) {
      label(cases[i]);
      const bool falls = i + 1 < cases.size() && pick(2) == 0;
      const std::string end = falls ? cases[i + 1] : merge;
      if (!statements(depth + 1, {merge, targets.continue_to})) continue;
      if (falls && pick(3) == 0) {
        text_ += fmt::format("OpBranchConditional %undef {} {}\n", end, merge);
      } else {
        branch(end);
      }
    }
    label(merge);
  }

  std::mt19937 random_;
  std::string text_;
  std::uint32_t next_ = 0;
};

TEST(Structure, RandomStructuredProgramsHoldWhatTheModelPromises) {
  std::size_t constructs = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    const std::string body = ProgramBuilder(seed).build();
    const auto module = decode(assemble(compute_main(body)));
    ASSERT_TRUE(module) << seed << ": " << module.failure().sentence << body;
    const Function& f = main_of(**module);
    ASSERT_EQ(structure_problem(**module, f), "") << seed << body;
    constructs += f.constructs.size();
  }
  EXPECT_GT(constructs, 4000u);
}

TEST(Structure, DeepNestingIsRefusedNotRecursedInto) {
  const auto nested = [](int depth) {
    std::string open, close;
    for (int i = 0; i < depth; ++i) {
      open += fmt::format(
          "OpSelectionMerge %m{} None\nOpBranchConditional %undef %b{} %m{}\n%b{} = OpLabel\n", i,
          i, i, i);
      close = fmt::format("OpBranch %m{}\n%m{} = OpLabel\n", i, i) + close;
    }
    return assemble(compute_main(open + close + "OpReturn"));
  };
  EXPECT_NE(decode_ok(nested(1000)), nullptr);
  EXPECT_NE(refusal(nested(20000)).find("is nested too deep"), std::string::npos);
}

}  // namespace
}  // namespace sokr::spirv
