// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/codegen.hpp"

#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/IPO/Inliner.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/InductiveRangeCheckElimination.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/LoopUnrollPass.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimpleLoopUnswitch.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <map>
#include <mutex>

#include "compiler/analysis/geometry.hpp"
#include "compiler/analysis/trace.hpp"
#include "compiler/codegen/blends.hpp"
#include "compiler/codegen/chains.hpp"
#include "compiler/codegen/compares.hpp"
#include "compiler/codegen/constant_calls.hpp"
#include "compiler/codegen/corrections.hpp"
#include "compiler/codegen/depth_first.hpp"
#include "compiler/codegen/halves.hpp"
#include "compiler/codegen/llvm_versions.hpp"
#include "compiler/codegen/prefetch.hpp"
#include "compiler/codegen/variables.hpp"
#include "compiler/codegen/word_masks.hpp"
#include "compiler/target/targets.hpp"

namespace sokr::cpu {

namespace {

// What LLVM has no other way to say than its command line's. None of them changes an instruction of
// the kernels of `shaders/` and `bench/`.
struct LlvmOption {
  const char* name;
  const char* value;
};
constexpr LlvmOption kLlvmOptions[] = {
    // The scheduler compares each memory access of a block with each other one: of a thousand
    // scatter updates in one block that takes half a second. Beyond this many it forgets the oldest
    // order that it knows for a coarser one.
    {"dag-maps-huge-region", "100"},
    // Where preparing for selection changes control flow it begins with the function's first block
    // again, but in functions of more blocks than this: 3,500 blocks took 6.4 s to generate, and
    // take 2.2.
    {"cgpp-huge-func", "300"},
    // Edges that the register allocator looks at to find where a value that does not fit is best
    // split, for each such value and register: 1,500 blocks that many values go through took 3.7 s
    // with the 10,000 that LLVM has.
    {"grow-region-complexity-budget", "1000"},
    // It asks of each value whether masks would be moved less if it were one, and all that is made
    // of it anew: of 6,000 blocks that took 26 s of 40.
    {"disable-x86-domain-reassignment", "true"},
};

void set_llvm_options() {
  auto& options = llvm::cl::getRegisteredOptions();
  for (const LlvmOption& option : kLlvmOptions)
    if (const auto found = options.find(option.name); found != options.end())
      found->second->addOccurrence(0, option.name, option.value);
}

void initialise_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    initialise_targets();
    set_llvm_options();
  });
}

const llvm::StringMap<bool>& host_features() {
  static const llvm::StringMap<bool> features = read_host_features();
  return features;
}

// With the features that do not follow from the name alone: LLVM reads the list several times for
// each kernel, and of all that there are that takes most of a millisecond.
CpuModel find_host_model() {
  const TargetTraits& least = least_traits(host_isa());
  CpuModel model{least.triple, llvm::sys::getHostCPUName().str(), ""};
  if (!least.features_vary) return model;
  initialise_llvm();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(model.triple, error);
  const std::unique_ptr<llvm::MCSubtargetInfo> named(
      target ? target->createMCSubtargetInfo(model.triple, model.cpu, "") : nullptr);
  for (const auto& feature : host_features()) {
    const std::string text = (feature.second ? "+" : "-") + feature.first().str();
    if (named && named->checkFeatures(text)) continue;
    model.features += (model.features.empty() ? "" : ",") + text;
  }
  return model;
}

}  // namespace

TargetTraits traits_of(Isa isa) {
  TargetTraits traits = least_traits(isa);
  if (isa == host_isa() && traits.pair_products) {
    const llvm::StringMap<bool>& features = host_features();
    traits.byte_dots = traits.wide_masks
                           ? features.lookup("avx512vnni") && features.lookup("avx512vl")
                           : traits.permutes && features.lookup("avxvnni");
  }
  return traits;
}

CpuModel least_model_of(Isa isa) {
  const TargetTraits& traits = least_traits(isa);
  return {traits.triple, traits.cpu, traits.features};
}

CpuModel model_of(Isa isa) {
  if (isa != host_isa()) return least_model_of(isa);
  static const CpuModel host = find_host_model();
  return host;
}

namespace {

// Machines that nobody uses at the moment: one that is made anew reads all that it has to know
// about its processor again.
class MachinePool {
 public:
  std::unique_ptr<llvm::TargetMachine> take(Isa isa, Effort effort) {
    std::lock_guard lock(mutex_);
    auto& free = free_[{isa, effort}];
    if (free.empty()) return nullptr;
    auto machine = std::move(free.back());
    free.pop_back();
    return machine;
  }
  // Without memory to note it, the machine is not kept.
  void give_back(Isa isa, Effort effort, std::unique_ptr<llvm::TargetMachine> machine) noexcept
      try {
    constexpr std::size_t kMostKept = 4;
    std::lock_guard lock(mutex_);
    auto& free = free_[{isa, effort}];
    if (free.size() < kMostKept) free.push_back(std::move(machine));
  } catch (const std::bad_alloc&) {
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<Isa, Effort>, std::vector<std::unique_ptr<llvm::TargetMachine>>> free_;
};

MachinePool& machine_pool() {
  static MachinePool pool;
  return pool;
}

Result<std::unique_ptr<llvm::TargetMachine>> make_target_machine(const CpuModel& model,
                                                                 llvm::CodeGenOptLevel level,
                                                                 bool function_sections) {
  initialise_llvm();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(model.triple, error);
  if (!target) return fail(SOKR_DISPATCH_FAILED, "LLVM has no target {}: {}", model.triple, error);
  llvm::TargetOptions options;
  options.ExceptionModel = llvm::ExceptionHandling::None;
  options.EmitAddrsig = false;
  options.FunctionSections = function_sections;
  auto* machine =
      target->createTargetMachine(as_triple(model.triple), model.cpu, model.features, options,
                                  llvm::Reloc::PIC_, llvm::CodeModel::Small, level);
  if (!machine) return fail(SOKR_DISPATCH_FAILED, "LLVM cannot make code for {}", model.cpu);
  // AArch64's quickest is GlobalISel, which crashes on vectors of narrow elements.
  machine->setGlobalISel(false);
  return std::unique_ptr<llvm::TargetMachine>(machine);
}

}  // namespace

void GiveBack::operator()(llvm::TargetMachine* machine) const {
  machine_pool().give_back(isa, effort, std::unique_ptr<llvm::TargetMachine>(machine));
}

Result<BorrowedMachine> borrow_machine(Isa isa, Effort effort) {
  auto machine = machine_pool().take(isa, effort);
  if (!machine) {
    SOKR_ASSIGN(machine,
                make_target_machine(model_of(isa),
                                    effort == Effort::kFull ? llvm::CodeGenOptLevel::Default
                                                            : llvm::CodeGenOptLevel::None,
                                    false));
    machine->setO0WantsFastISel(least_traits(isa).quick_selector);
  }
  return BorrowedMachine(machine.release(), GiveBack{isa, effort});
}

Result<std::unique_ptr<llvm::TargetMachine>> make_least_machine(Isa isa) {
  return make_target_machine(least_model_of(isa), llvm::CodeGenOptLevel::Default, true);
}

namespace {

// Loops whose rounds nobody can count stay as they are: to ask what all their instructions cost
// takes longer than most passes.
struct LeaveUncounted : llvm::PassInfoMixin<LeaveUncounted> {
  llvm::PreservedAnalyses run(llvm::Loop& loop, llvm::LoopAnalysisManager&,
                              llvm::LoopStandardAnalysisResults& analyses, llvm::LPMUpdater&) {
    if (!analyses.SE.getSmallConstantTripCount(&loop)) loop.setLoopAlreadyUnrolled();
    return llvm::PreservedAnalyses::all();
  }
};

// Beyond these many variables times blocks, variables are not made values one way or the other: to
// do so takes that product. The quick register allocator of a draft keeps nothing in registers
// from one block to the next, so that values of many blocks lie on the stack as well, and are
// copied there.
constexpr std::size_t kMostOfDraft = 60'000, kMostOfFull = 4'000'000;

std::size_t variables_and_blocks(const llvm::Function& function) {
  std::size_t variables = 0;
  for (const llvm::Instruction& instruction : function.getEntryBlock())
    variables += llvm::isa<llvm::AllocaInst>(instruction);
  return variables * function.size();
}

// Steps for the variables of emission, each of some 20 ns: a function of 2,000 early returns has
// 6,000 variables and 20,000 blocks, and takes 80 million.
constexpr std::uint64_t kMostPromotionSteps = 100'000'000;

struct PromoteFew : llvm::PassInfoMixin<PromoteFew> {
  bool is_draft;
  explicit PromoteFew(bool draft) : is_draft(draft) {}
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    if (is_draft && variables_and_blocks(function) > kMostOfDraft)
      return llvm::PreservedAnalyses::all();
    const auto kept = PromoteVariablesPass(kMostPromotionSteps).run(function, analyses);
    analyses.invalidate(function, kept);
    if (variables_and_blocks(function) > kMostOfFull) return kept;
    const auto also = llvm::SROAPass(llvm::SROAOptions::ModifyCFG).run(function, analyses);
    return kept.areAllPreserved() ? also : kept;
  }
};

// Every `piece`th instruction of a block, behind its phis and before its end.
llvm::SmallVector<llvm::Instruction*, 64> every(llvm::BasicBlock& block, std::size_t piece) {
  llvm::SmallVector<llvm::Instruction*, 64> found;
  std::size_t count = 0;
  for (auto at = block.getFirstInsertionPt(); !at->isTerminator(); ++at)
    if (++count % piece == 0) found.push_back(&*at);
  return found;
}

// To find where a variable lives, LLVM reads each block that uses it from its first instruction on:
// a block of many instructions and many variables takes the product. Its pieces are one block again
// when control flow is simplified.
struct SplitLong : llvm::PassInfoMixin<SplitLong> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager&) {
    constexpr std::size_t kLong = 4000, kPiece = 500;
    llvm::SmallVector<llvm::BasicBlock*, 4> found;
    for (llvm::BasicBlock& block : function)
      if (&block != &function.getEntryBlock() && block.size() > kLong) found.push_back(&block);
    for (llvm::BasicBlock* block : found) {
      // The last one first: each split moves all that is behind it.
      const auto begins = every(*block, kPiece);
      for (llvm::Instruction* begin : llvm::reverse(begins)) block->splitBasicBlock(begin);
    }
    return found.empty() ? llvm::PreservedAnalyses::all() : llvm::PreservedAnalyses::none();
  }
};

// What GVN, and the passes over machine code that look for the same or for a better place, take
// grows with the square of how many blocks of one loop have the same instructions, and of how many
// values leave a loop. Functions of so many do without them: a hundred times as many as most
// kernels have, and more than any of the tree.
constexpr std::size_t kManyBlocks = 6000, kManyInstructions = 40'000;

bool is_large(const llvm::Function& function) {
  return function.size() > kManyBlocks || function.getInstructionCount() > kManyInstructions;
}

bool has_large(const llvm::Module& module) {
  return llvm::any_of(module, is_large);
}

// A block counts as ten instructions more.
bool has_more_instructions(const llvm::Loop& loop, std::size_t most) {
  std::size_t instructions = 0;
  return llvm::any_of(loop.blocks(), [&](const llvm::BasicBlock* block) {
    return (instructions += block->size() + 10) > most;
  });
}

// A pass over loops that leaves out those of more instructions.
template <typename Pass>
class OfSmallLoops : public llvm::PassInfoMixin<OfSmallLoops<Pass>> {
 public:
  OfSmallLoops(Pass pass, std::size_t most) : pass_(std::move(pass)), most_(most) {}
  llvm::PreservedAnalyses run(llvm::Loop& loop, llvm::LoopAnalysisManager& analyses,
                              llvm::LoopStandardAnalysisResults& standard,
                              llvm::LPMUpdater& updater) {
    if (has_more_instructions(loop, most_)) return llvm::PreservedAnalyses::all();
    return pass_.run(loop, analyses, standard, updater);
  }

 private:
  Pass pass_;
  std::size_t most_;
};

// Passes over the loops of a function, if those are few: before the first one each loop gets blocks
// of its own before and behind it, and phis where it is left, which takes the product of all loops
// in one with the ways out of that. 2,000 loops that invocations leave one by one, each made twice,
// took 23 s.
constexpr std::size_t kMostLoops = 2000;
// What a counter is behind its loop is written as a sum of what it was behind those before: 400
// loops took 1.9 s, 0.5 of that without.
constexpr std::size_t kMostCountedLoops = 200;
class OverLoops : public llvm::PassInfoMixin<OverLoops> {
 public:
  OverLoops(llvm::LoopPassManager&& passes, bool memory_ssa, std::size_t most = kMostLoops)
      : passes_(over_loops(std::move(passes), memory_ssa)), most_(most) {}
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    const llvm::LoopInfo& loops = analyses.getResult<llvm::LoopAnalysis>(function);
    if (loops.getLoopsInPreorder().size() > most_) return llvm::PreservedAnalyses::all();
    return passes_.run(function, analyses);
  }

 private:
  llvm::FunctionToLoopPassAdaptor passes_;
  std::size_t most_;
};

// What an instruction is known to be executed with is asked of all blocks that lead to it, and the
// sum of a chain of sums is made of all its terms: squares again.
constexpr std::size_t kMostHoisted = 100'000, kMostCounted = 15'000;

// To unroll a loop LLVM asks how often it goes round, of which the same is true, and what it
// unrolls makes it forget what it knows of the loops around it: 1,000 loops between barriers took
// 11 s of 17.
struct UnrollFew : llvm::PassInfoMixin<UnrollFew> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    const llvm::LoopInfo& loops = analyses.getResult<llvm::LoopAnalysis>(function);
    if (loops.getLoopsInPreorder().size() > kMostCountedLoops)
      return llvm::PreservedAnalyses::all();
    llvm::LoopUnrollOptions unroll(2);
    unroll.setRuntime(false).setPartial(false);
    return llvm::LoopUnrollPass(unroll).run(function, analyses);
  }
};

// Loop strength reduction, which generating code begins with, writes all that follows from a loop's
// counter as a sum: of a chain of 8,000 sums that took 56 s of 58. What it does not know to be a
// counter it leaves alone.
struct HideCounters : llvm::PassInfoMixin<HideCounters> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    bool has_changed = false;
    for (llvm::Loop* loop : analyses.getResult<llvm::LoopAnalysis>(function).getLoopsInPreorder()) {
      if (!has_more_instructions(*loop, kMostCounted)) continue;
      llvm::IRBuilder<> builder(loop->getHeader(), loop->getHeader()->getFirstInsertionPt());
      for (llvm::PHINode& phi : loop->getHeader()->phis()) {
        if (!phi.getType()->isIntegerTy() && !phi.getType()->isPointerTy()) continue;
        llvm::Value* hidden = builder.CreateFreeze(&phi);
        phi.replaceUsesWithIf(hidden, [&](llvm::Use& use) { return use.getUser() != hidden; });
        has_changed = true;
      }
    }
    return has_changed ? llvm::PreservedAnalyses::none() : llvm::PreservedAnalyses::all();
  }
};

// Selection, scheduling and the register allocator take the square of a block's instructions, in
// drafts as well: 8,000 stores of elements side by side took 80 s. Between the pieces is a branch
// that is always taken, which LLVM is not told, since it would put them together again.
struct CutLongBlocks : llvm::PassInfoMixin<CutLongBlocks> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager&) {
    constexpr std::size_t kLong = 6000, kPiece = 3000;
    llvm::SmallVector<llvm::BasicBlock*, 4> found;
    for (llvm::BasicBlock& block : function)
      if (&block != &function.getEntryBlock() && block.size() > kLong) found.push_back(&block);
    if (found.empty()) return llvm::PreservedAnalyses::all();
    llvm::Type* truth = llvm::Type::getInt32Ty(function.getContext());
    llvm::InlineAsm* unknown = llvm::InlineAsm::get(llvm::FunctionType::get(truth, {truth}, false),
                                                    "", "=r,0", /*hasSideEffects=*/false);
    auto* never = llvm::BasicBlock::Create(function.getContext(), "never", &function);
    new llvm::UnreachableInst(function.getContext(), never);
    for (llvm::BasicBlock* block : found) {
      const auto begins = every(*block, kPiece);
      for (llvm::Instruction* begin : llvm::reverse(begins)) {
        block->splitBasicBlock(begin);
        llvm::IRBuilder<> builder(block->getTerminator());
        llvm::Value* one = builder.CreateCall(unknown, {builder.getInt32(1)});
        builder.CreateCondBr(builder.CreateICmpNE(one, builder.getInt32(0)), begin->getParent(),
                             never, likely_weights(function.getContext()));
        block->getTerminator()->eraseFromParent();
      }
    }
    return llvm::PreservedAnalyses::none();
  }
};

struct NumberFew : llvm::PassInfoMixin<NumberFew> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    if (is_large(function)) return llvm::PreservedAnalyses::all();
    // Without asking which stores a load depends on: that takes the square of the number of blocks
    // with a range test in them, and the passes around it find the same loads.
    return llvm::GVNPass(llvm::GVNOptions().setMemDep(false)).run(function, analyses);
  }
};

// Instructions that inlining one function may add. Each call of a mathematical function adds
// as many as a small kernel has; beyond this they stay calls, which leave loops as a whole where
// their arguments do: a transform of 4,096 points took 0.94 of the time with calls of its cosines
// and half as long to compile.
constexpr std::size_t kMaxInlined = 2000;

void limit_inlining(llvm::Module& module) {
  for (llvm::Function& function : module)
    if (!function.isDeclaration() && function.hasLocalLinkage() &&
        std::size_t{function.getNumUses()} * function.getInstructionCount() > kMaxInlined)
      function.addFnAttr(llvm::Attribute::NoInline);
}

}  // namespace

// No loop idiom recognition: it would call memset.
void optimise(llvm::Module& module, llvm::TargetMachine& machine, const CompileOptions& options,
              bool scalar_mode) {
  const Effort effort = options.effort;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager groups;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(groups);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, groups, modules);
  limit_inlining(module);
  llvm::FunctionPassManager first, second;
  first.addPass(SplitLong());
  first.addPass(PromoteFew(effort == Effort::kDraft));
  first.addPass(llvm::EarlyCSEPass(true));
  first.addPass(llvm::SimplifyCFGPass());
  // Else the second pipeline does all of it; doing it twice took a tenth of all optimisation and
  // left as many instructions.
  // In a draft it takes as long as what it saves the selector.
  if (effort != Effort::kFull && effort != Effort::kDraft) first.addPass(llvm::InstCombinePass());
  second.addPass(llvm::SimplifyCFGPass());
  llvm::LoopPassManager loop;
  loop.addPass(llvm::LoopRotatePass(true, false));
  loop.addPass(OfSmallLoops(llvm::LICMPass(llvm::LICMOptions()), kMostHoisted));
  second.addPass(OverLoops(std::move(loop), true));
  // A loop that was turned reads its limit twice, to be entered and in its rounds. Range tests
  // leave it only where that is known to be one value (IRCE below).
  if (scalar_mode) second.addPass(llvm::EarlyCSEPass(true));
  second.addPass(NumberFew());
  second.addPass(llvm::InstCombinePass());
  if (has_part(options, Part::kConstantCalls)) second.addPass(ConstantCallsPass());
  llvm::LoopPassManager late;
  late.addPass(OfSmallLoops(llvm::IndVarSimplifyPass(), kMostCounted));
  late.addPass(LeaveUncounted());
  second.addPass(OverLoops(std::move(late), false, kMostCountedLoops));
  // Range tests of a counter move out of its loop. With registers of lanes, one test stands for
  // many, and the loop would only be made twice.
  if (scalar_mode) second.addPass(llvm::IRCEPass());
  second.addPass(UnrollFew());
  second.addPass(llvm::EarlyCSEPass(true));
  second.addPass(llvm::InstCombinePass());
  llvm::LoopPassManager hoist;
  hoist.addPass(OfSmallLoops(llvm::LICMPass(llvm::LICMOptions()), kMostHoisted));
  second.addPass(OverLoops(std::move(hoist), true));
  second.addPass(llvm::DSEPass());
  second.addPass(llvm::ADCEPass());
  second.addPass(llvm::SimplifyCFGPass());
  if (has_part(options, Part::kCorrections)) second.addPass(CorrectionsPass());
  if (!scalar_mode && has_part(options, Part::kPrefetch)) second.addPass(PrefetchPass());
  if (has_part(options, Part::kChains))
    second.addPass(ChainsPass(least_traits(options.isa).registers));
  if (has_part(options, Part::kDepthFirst))
    second.addPass(DepthFirstPass(least_traits(options.isa)));
  second.addPass(HideCounters());
  // What has to be the last word, whatever the effort.
  llvm::FunctionPassManager last;
  const TargetTraits& traits = least_traits(options.isa);
  const bool is_full = effort == Effort::kFull;
  last.addPass(HalvesPass(machine));
  if (kSplitsCompares) last.addPass(ComparesPass(traits.vector_bits()));
  if (traits.joins_blends) last.addPass(BlendsPass());
  if (is_full && has_part(options, Part::kWordMasks) && !traits.wide_masks &&
      traits.vector_bits() > 128)
    last.addPass(WordMasksPass(traits.lanes));
  last.addPass(CutLongBlocks());
  llvm::ModulePassManager all;
  all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(first)));
  if (is_full) {
    all.addPass(llvm::ModuleInlinerWrapperPass(llvm::getInlineParams(2, 0)));
    all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(second)));
  }
  all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(last)));
  all.run(module, modules);
}

namespace {

// As TargetMachine::addPassesToEmitFile, without the scheduler behind register allocation:
// its time grows with the square of a block's size, and the one ahead of it does the work.
bool add_codegen_passes(CodegenMachine& machine, llvm::legacy::PassManager& passes,
                        llvm::raw_pwrite_stream& out, llvm::CodeGenFileType kind, bool is_ordered,
                        bool is_large, bool halves_kept) {
  auto* info = new llvm::MachineModuleInfoWrapperPass(&machine);
  llvm::TargetPassConfig* config = machine.createPassConfig(passes);
  config->setDisableVerify(true);
  config->disablePass(&llvm::PostRASchedulerID);
  if (is_ordered) config->disablePass(&llvm::MachineSchedulerID);
  if (is_large)
    for (llvm::AnalysisID pass : std::initializer_list<llvm::AnalysisID>{
             machine_cse(), &llvm::EarlyMachineLICMID, &llvm::MachineLICMID, machine_sinking()})
      config->disablePass(pass);
  // At a call that keeps the lower half of a register and not the upper one, this leaves out a copy
  // to the whole register that nothing reads, and forgets one to its lower half that came later: as
  // if nothing read that, it goes as well where the block ends. So LLVM up to 19; 20 remembers
  // copies that it has erased, and its assertions say so. Without it the kernels of `shaders/` and
  // `bench/` have 1.0008 times the instructions.
  if (halves_kept) config->disablePass(&llvm::MachineCopyPropagationID);
  passes.add(config);
  passes.add(info);
  // This forgets what the machine was told of the quickest selector: see borrow_machine.
  const bool is_quick = machine.getO0WantsFastISel();
  if (config->addISelPasses()) return false;
  if (!is_quick) {
    machine.setFastISel(false);
    machine.setO0WantsFastISel(false);
  }
  config->addMachinePasses();
  config->setInitialized();
  if (machine.addAsmPrinter(passes, out, nullptr, kind, info->getMMI().getContext())) return false;
  passes.add(llvm::createFreeMachineFunctionPass());
  return true;
}

Result<llvm::SmallVector<char, 0>> emit(llvm::Module& module, llvm::TargetMachine& machine, Isa isa,
                                        llvm::CodeGenFileType kind) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager passes;
  const bool is_ordered = llvm::any_of(
      module, [](const llvm::Function& function) { return function.hasFnAttribute(kOrdered); });
  if (!add_codegen_passes(static_cast<CodegenMachine&>(machine), passes, out, kind, is_ordered,
                          has_large(module), least_traits(isa).halves_kept))
    return fail(SOKR_DISPATCH_FAILED, "LLVM cannot write object files for this target");
  passes.run(module);
  return bytes;
}

}  // namespace

Result<llvm::SmallVector<char, 0>> emit_object(llvm::Module& module, llvm::TargetMachine& machine,
                                               Isa isa) {
  return emit(module, machine, isa, llvm::CodeGenFileType::ObjectFile);
}

Result<std::string> emit_assembly(llvm::Module& module, llvm::TargetMachine& machine, Isa isa) {
  SOKR_ASSIGN(auto bytes, emit(module, machine, isa, llvm::CodeGenFileType::AssemblyFile));
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace sokr::cpu
