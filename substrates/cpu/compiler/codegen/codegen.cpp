// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/codegen.hpp"

#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
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
#include "compiler/codegen/chains.hpp"
#include "compiler/codegen/constant_calls.hpp"
#include "compiler/codegen/corrections.hpp"
#include "compiler/codegen/depth_first.hpp"
#include "compiler/codegen/halves.hpp"
#include "compiler/codegen/llvm_versions.hpp"
#include "compiler/codegen/prefetch.hpp"
#include "compiler/codegen/word_masks.hpp"
#include "compiler/target/targets.hpp"

namespace sokr::cpu {

namespace {

// The scheduler compares each memory access of a block with each other one: of a thousand scatter
// updates in one block that takes half a second. Beyond this many it forgets the oldest order that
// it knows for a coarser one. LLVM has no other way to say so than its command line's.
void limit_scheduler() {
  constexpr unsigned kMostAccesses = 100;
  auto& options = llvm::cl::getRegisteredOptions();
  auto found = options.find("dag-maps-huge-region");
  if (found != options.end())
    static_cast<llvm::cl::opt<unsigned>*>(found->second)->setValue(kMostAccesses);
}

void initialise_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    initialise_targets();
    limit_scheduler();
  });
}

const llvm::StringMap<bool>& host_features() {
  static const llvm::StringMap<bool> features = read_host_features();
  return features;
}

// With the features that do not follow from the name alone: LLVM reads the list several times for
// each kernel, and of all that there are that takes most of a millisecond. Where a name stands for
// all that matters, there is no list.
CpuModel find_host_model() {
  const TargetTraits& least = least_traits(host_isa());
  CpuModel model{least.triple, llvm::sys::getHostCPUName().str(), ""};
  if (least.control != FloatControl::kMxcsr) return model;
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

// To make values of a function's variables takes the product of how many variables and how many
// blocks it has. The quick register allocator of a draft keeps nothing in registers from one block
// to the next, so that values of many blocks lie on the stack as well, and are copied there.
struct PromoteFew : llvm::PassInfoMixin<PromoteFew> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    constexpr std::size_t kMostWork = 60'000;
    std::size_t variables = 0;
    for (const llvm::Instruction& instruction : function.getEntryBlock())
      variables += llvm::isa<llvm::AllocaInst>(instruction);
    if (variables * function.size() > kMostWork) return llvm::PreservedAnalyses::all();
    return llvm::SROAPass(llvm::SROAOptions::ModifyCFG).run(function, analyses);
  }
};

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
      llvm::SmallVector<llvm::Instruction*, 64> begins;
      std::size_t count = 0;
      for (auto at = block->getFirstInsertionPt(); !at->isTerminator(); ++at)
        if (++count % kPiece == 0) begins.push_back(&*at);
      // The last one first: each split moves all that is behind it.
      for (llvm::Instruction* begin : llvm::reverse(begins)) block->splitBasicBlock(begin);
    }
    return found.empty() ? llvm::PreservedAnalyses::all() : llvm::PreservedAnalyses::none();
  }
};

// What GVN, and the passes over machine code that look for the same or for a better place, take
// grows with the square of how many blocks of one loop have the same instructions. Functions of so
// many do without them: a hundred times as many as most kernels have.
constexpr std::size_t kManyBlocks = 6000;

bool has_many_blocks(const llvm::Module& module) {
  return llvm::any_of(module, [](const llvm::Function& f) { return f.size() > kManyBlocks; });
}

struct NumberFew : llvm::PassInfoMixin<NumberFew> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
    if (function.size() > kManyBlocks) return llvm::PreservedAnalyses::all();
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
  if (effort == Effort::kDraft)
    first.addPass(PromoteFew());
  else
    first.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  first.addPass(llvm::EarlyCSEPass(true));
  first.addPass(llvm::SimplifyCFGPass());
  // Else the second pipeline does all of it; doing it twice took a tenth of all optimisation and
  // left as many instructions.
  // In a draft it takes as long as what it saves the selector.
  if (effort != Effort::kFull && effort != Effort::kDraft) first.addPass(llvm::InstCombinePass());
  second.addPass(llvm::SimplifyCFGPass());
  llvm::LoopPassManager loop;
  loop.addPass(llvm::LoopRotatePass(true, false));
  loop.addPass(llvm::LICMPass(llvm::LICMOptions()));
  second.addPass(over_loops(std::move(loop), true));
  // A loop that was turned reads its limit twice, to be entered and in its rounds. Range tests
  // leave it only where that is known to be one value (IRCE below).
  if (scalar_mode) second.addPass(llvm::EarlyCSEPass(true));
  second.addPass(NumberFew());
  second.addPass(llvm::InstCombinePass());
  if (has_part(options, Part::kConstantCalls)) second.addPass(ConstantCallsPass());
  llvm::LoopPassManager late;
  late.addPass(llvm::IndVarSimplifyPass());
  late.addPass(LeaveUncounted());
  second.addPass(over_loops(std::move(late), false));
  // Range tests of a counter move out of its loop. With registers of lanes, one test stands for
  // many, and the loop would only be made twice.
  if (scalar_mode) second.addPass(llvm::IRCEPass());
  llvm::LoopUnrollOptions unroll(2);
  unroll.setRuntime(false).setPartial(false);
  second.addPass(llvm::LoopUnrollPass(unroll));
  second.addPass(llvm::EarlyCSEPass(true));
  second.addPass(llvm::InstCombinePass());
  llvm::LoopPassManager hoist;
  hoist.addPass(llvm::LICMPass(llvm::LICMOptions()));
  second.addPass(over_loops(std::move(hoist), true));
  second.addPass(llvm::DSEPass());
  second.addPass(llvm::ADCEPass());
  second.addPass(llvm::SimplifyCFGPass());
  if (has_part(options, Part::kCorrections)) second.addPass(CorrectionsPass());
  if (!scalar_mode && has_part(options, Part::kPrefetch)) second.addPass(PrefetchPass());
  if (has_part(options, Part::kChains))
    second.addPass(ChainsPass(least_traits(options.isa).registers));
  if (has_part(options, Part::kDepthFirst))
    second.addPass(DepthFirstPass(least_traits(options.isa)));
  llvm::ModulePassManager all;
  all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(first)));
  if (effort != Effort::kFull) {
    all.addPass(llvm::createModuleToFunctionPassAdaptor(HalvesPass(machine)));
    all.run(module, modules);
    return;
  }
  all.addPass(llvm::ModuleInlinerWrapperPass(llvm::getInlineParams(2, 0)));
  second.addPass(HalvesPass(machine));
  const TargetTraits& traits = least_traits(options.isa);
  if (has_part(options, Part::kWordMasks) && !traits.wide_masks && traits.vector_bits() > 128)
    second.addPass(WordMasksPass(traits.lanes));
  all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(second)));
  all.run(module, modules);
}

namespace {

// As TargetMachine::addPassesToEmitFile, without the scheduler behind register allocation:
// its time grows with the square of a block's size, and the one ahead of it does the work.
bool add_codegen_passes(CodegenMachine& machine, llvm::legacy::PassManager& passes,
                        llvm::raw_pwrite_stream& out, llvm::CodeGenFileType kind, bool is_ordered,
                        bool is_large) {
  auto* info = new llvm::MachineModuleInfoWrapperPass(&machine);
  llvm::TargetPassConfig* config = machine.createPassConfig(passes);
  config->setDisableVerify(true);
  config->disablePass(&llvm::PostRASchedulerID);
  if (is_ordered) config->disablePass(&llvm::MachineSchedulerID);
  if (is_large)
    for (llvm::AnalysisID pass : {&llvm::MachineCSEID, &llvm::EarlyMachineLICMID,
                                  &llvm::MachineLICMID, &llvm::MachineSinkingID})
      config->disablePass(pass);
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

Result<llvm::SmallVector<char, 0>> emit(llvm::Module& module, llvm::TargetMachine& machine,
                                        llvm::CodeGenFileType kind) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager passes;
  const bool is_ordered = llvm::any_of(
      module, [](const llvm::Function& function) { return function.hasFnAttribute(kOrdered); });
  if (!add_codegen_passes(static_cast<CodegenMachine&>(machine), passes, out, kind, is_ordered,
                          has_many_blocks(module)))
    return fail(SOKR_DISPATCH_FAILED, "LLVM cannot write object files for this target");
  passes.run(module);
  return bytes;
}

}  // namespace

Result<llvm::SmallVector<char, 0>> emit_object(llvm::Module& module, llvm::TargetMachine& machine) {
  return emit(module, machine, llvm::CodeGenFileType::ObjectFile);
}

Result<std::string> emit_assembly(llvm::Module& module, llvm::TargetMachine& machine) {
  SOKR_ASSIGN(auto bytes, emit(module, machine, llvm::CodeGenFileType::AssemblyFile));
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace sokr::cpu
