// SPDX-License-Identifier: MIT OR Apache-2.0
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sokr/cpu/compiler.hpp>
#include <system_error>

#include "compiler/analysis/print.hpp"
#include "compiler/analysis/rounds.hpp"
#include "compiler/analysis/trace.hpp"
#include "compiler/builtins.hpp"
#include "compiler/codegen/codegen.hpp"
#include "compiler/codegen/link.hpp"
#include "compiler/codegen/llvm_versions.hpp"
#include "compiler/emit/emitter.hpp"
#include "compiler/program/float_modes.hpp"
#include "compiler/program/folding.hpp"
#include "compiler/program/switches.hpp"

namespace sokr::cpu {
namespace {

constexpr int kCompilerVersion = 53;  // part of every cache key: raise it when code changes

// `text` is called if there is a folder for it.
void dump(const CompileOptions& options, std::string_view entry, const char* stage,
          const std::function<std::string()>& text) {
  if (options.dump.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(options.dump, ignored);
  std::string name;
  for (char c : entry) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  std::ofstream file(std::filesystem::path(options.dump) /
                     fmt::format("{}{}{}.{}.{}", name, options.dump_key.empty() ? "" : ".",
                                 options.dump_key, isa_name(options.isa), stage));
  file << text();
}

std::string text_of(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, nullptr);
  return text;
}

struct Diagnostics : llvm::DiagnosticHandler {
  std::string* error;
  explicit Diagnostics(std::string* to) : error(to) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo& info) override {
    if (info.getSeverity() == llvm::DS_Error) {
      llvm::raw_string_ostream out(*error);
      llvm::DiagnosticPrinterRawOStream printer(out);
      info.print(printer);
    }
    return true;
  }
};

std::size_t instruction_count(const Program& program) {
  std::size_t count = 0;
  for (const auto& block : program.blocks) count += block.phis.size() + block.body.size();
  return count;
}

// Tells how long each stage took.
class Stages {
 public:
  explicit Stages(const CompileOptions& options) : options_(options) {}
  void ended(const char* name, std::size_t size, const char* unit) {
    Clock::time_point now = Clock::now();
    if (options_.on_stage)
      options_.on_stage(
          {name, std::chrono::duration<double, std::milli>(now - begin_).count(), size, unit});
    begin_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;
  const CompileOptions& options_;
  Clock::time_point begin_ = Clock::now();
};

// Instructions that loops may become: around barriers, over private arrays.
constexpr std::size_t kMaxUnrolled = 2000;
constexpr std::size_t kMaxUnrolledPrivate = 4000;

// What makes code quicker by making it twice, or larger.
CompileOptions as_draft(CompileOptions options) {
  for (const Part part : {Part::kRegionVersions, Part::kTogetherLoops, Part::kChunkRows,
                          Part::kScalarMode, Part::kPrefetch, Part::kRuns, Part::kJoinedRounds,
                          Part::kNeighbours, Part::kChains, Part::kRowPrefetch})
    options.without |= UINT64_C(1) << static_cast<unsigned>(part);
  options.interleave = 1;
  return options;
}

Result<void> check_cancelled(const CompileOptions& options) {
  if (!options.cancelled || !options.cancelled->load(std::memory_order_relaxed)) return {};
  return fail(SOKR_DISPATCH_FAILED, "the compilation was cancelled");
}

// LLVM instructions beyond which the full version, too, is hardly optimised: what LLVM takes is no
// longer in proportion. No kernel of the tree has a quarter of it; one with a switch of 2,000 sides
// that load has 270,000. Switches of 3,000 sides of gathers, 385,000, took 20 s with AVX-512, 60
// with AVX2 and over 80 with SSE4.
constexpr std::size_t kMostInFull = 200'000;

constexpr const char* kLlvmInstructions = "LLVM instructions";

// The kernel, and the functions that it shares with itself, callees first.
struct Programs {
  Program kernel;
  std::vector<std::pair<Id, Program>> shared;
};

std::string function_name(const spirv::EntryPoint& entry, Id shared) {
  return shared ? fmt::format("function_{}", shared) : entry.name;
}

Result<Program> lower_one(const spirv::Module& module, const spirv::EntryPoint& entry,
                          const CallPlan& plan, const CompileOptions& options, Id shared = 0) {
  SOKR_ASSIGN(Program program, lower(module, entry, plan, shared));
  const auto ended = [&](Stage stage) {
    if (options.trace)
      options.trace->stage(stage, function_name(entry, shared), [&] { return to_text(program); });
  };
  ended(Stage::kLower);
  const auto fold = [&] {
    if (has_part(options, Part::kIfConvert)) fold_constants(program);
  };
  fold();
  SOKR_TRY(place_aggregates(program, options.assume_no_alias));
  ended(Stage::kAggregates);
  if (has_part(options, Part::kPromote)) promote_variables(program);
  fold();  // what came by way of variables
  if (has_part(options, Part::kSwitches)) make_switches(program);
  ended(Stage::kPromote);
  const auto convert = [&] {
    if (has_part(options, Part::kIfConvert)) simplify(program);
  };
  convert();
  ended(Stage::kIfConvert);
  if (has_part(options, Part::kPrivateLoops) && unroll_private(program, kMaxUnrolledPrivate))
    convert();
  if (!shared && has_part(options, Part::kUnroll) && unroll(program, kMaxUnrolled)) convert();
  if (has_part(options, Part::kContinues) && close_rounds(program)) convert();
  ended(Stage::kUnroll);
  take_reciprocals(program);
  if (least_traits(options.isa).fma) contract_products(program);
  // Behind all that decides about results.
  if (has_part(options, Part::kSameLoads)) join_same_loads(program, options.assume_no_alias);
  ended(Stage::kContract);
  if (has_part(options, Part::kTables)) find_tables(program);
  ended(Stage::kTables);
  return program;
}

// What is known of a program, and what emission decided.
void trace_analysis(const CompileOptions& options, const std::string& function,
                    const Program& program, const Analysis& analysis, const Geometry& geometry) {
  if (!options.trace) return;
  options.trace->stage(Stage::kUniformity, function,
                       [&] { return to_text(geometry) + to_text(program, analysis); });
  options.trace->stage(Stage::kRanges, function,
                       [&] { return ranges_text(program, analysis, geometry); });
}

void trace_plan(const CompileOptions& options, const std::string& function, const Program& program,
                const Geometry& geometry) {
  if (options.trace)
    options.trace->stage(Stage::kPlan, function,
                         [&] { return to_text(geometry) + options.trace->take_plan(program); });
}

Result<Programs> lower_all(const spirv::Module& module, const spirv::EntryPoint& entry,
                           const CallPlan& plan, const CompileOptions& options) {
  Programs out;
  SOKR_ASSIGN(out.kernel, lower_one(module, entry, plan, options));
  for (Id id : plan.order) {
    SOKR_ASSIGN(Program program, lower_one(module, entry, plan, options, id));
    out.kernel.uses_subgroups |= program.uses_subgroups;
    out.shared.emplace_back(id, std::move(program));
  }
  return out;
}

Result<SharedFunctions> emit_shared(llvm::Module& module, const Programs& programs,
                                    const CallPlan& plan, const Geometry& geometry,
                                    const CompileOptions& options, std::uint64_t& scratch) {
  SharedFunctions functions;
  Geometry inner = geometry;
  inner.partial = true;
  for (const auto& [id, program] : programs.shared) {
    const Analysis analysis = analyse(program, inner);
    trace_analysis(options, function_name(*program.entry, id), program, analysis, inner);
    const TargetTraits traits = traits_of(options.isa);
    VectorBuilder builder(module, program, analysis, inner, options, traits);
    Emitter emitter(builder, &functions, scratch);
    SOKR_ASSIGN(functions[id],
                emitter.emit_shared(fmt::format("function_{}", id), *plan.signature(id)));
    trace_plan(options, function_name(*program.entry, id), program, inner);
    scratch = emitter.scratch_size();
    dump(options, program.entry->name, fmt::format("function_{}.txt", id).c_str(),
         [&] { return to_text(program, analysis); });
  }
  return functions;
}

Result<CompiledKernel> compile_program(Programs& programs, const CallPlan& plan,
                                       const CompileOptions& options, Stages& stages) {
  Program& program = programs.kernel;
  Geometry geometry = choose_geometry(program, options);
  Analysis analysis = analyse(program, geometry);
  if (has_part(options, Part::kJoinedRounds) && geometry.lanes() > 1 &&
      join_rounds(program, analysis, geometry, least_traits(options.isa).registers))
    analysis = analyse(program, geometry);
  stages.ended("analyse", geometry.chunks, "chunks");
  dump(options, program.entry->name, "program.txt", [&] { return to_text(program); });
  dump(options, program.entry->name, "shapes.txt",
       [&] { return to_text(geometry) + to_text(program, analysis); });
  trace_analysis(options, program.entry->name, program, analysis, geometry);

  SOKR_ASSIGN(auto machine, borrow_machine(options.isa, options.effort));
  llvm::LLVMContext context;
  std::string error;
  context.setDiagnosticHandler(std::make_unique<Diagnostics>(&error));
  llvm::Module module("kernel", context);
  module.setTargetTriple(as_triple(machine->getTargetTriple().str()));
  module.setDataLayout(machine->createDataLayout());
  std::uint64_t scratch = 0;
  SOKR_ASSIGN(const SharedFunctions functions,
              emit_shared(module, programs, plan, geometry, options, scratch));
  const TargetTraits traits = traits_of(options.isa);
  VectorBuilder builder(module, program, analysis, geometry, options, traits);
  Emitter emitter(builder, &functions, scratch);
  SOKR_TRY(emitter.emit());
  trace_plan(options, program.entry->name, program, geometry);
  const auto ended = [&](Stage stage) {
    if (options.trace)
      options.trace->stage(stage, program.entry->name, [&] { return text_of(module); });
  };
  ended(Stage::kEmit);
  dump(options, program.entry->name, "ll", [&] { return text_of(module); });
  std::string wrong;
  llvm::raw_string_ostream wrong_out(wrong);
  if (llvm::verifyModule(module, &wrong_out))
    return fail(SOKR_DISPATCH_FAILED, "the code generator made invalid LLVM IR: {}",
                wrong.substr(0, wrong.find('\n')));
  stages.ended("emit", module.getInstructionCount(), kLlvmInstructions);
  if (options.effort == Effort::kVerify) return CompiledKernel{};
  SOKR_TRY(check_cancelled(options));
  CompileOptions rest = options;
  if (options.effort == Effort::kFull && module.getInstructionCount() > kMostInFull) {
    rest.effort = Effort::kQuick;
    SOKR_ASSIGN(machine, borrow_machine(options.isa, rest.effort));
  }
  optimise(module, *machine, rest, geometry.lanes() == 1);
  ended(Stage::kOptimise);
  stages.ended("optimise", module.getInstructionCount(), kLlvmInstructions);
  if (!options.dump.empty()) {
    dump(options, program.entry->name, "opt.ll", [&] { return text_of(module); });
    auto copy = llvm::CloneModule(module);
    SOKR_ASSIGN(auto assembly, emit_assembly(*copy, *machine, options.isa));
    dump(options, program.entry->name, "s", [&] { return std::move(assembly); });
  }
  SOKR_TRY(check_cancelled(options));
  SOKR_ASSIGN(auto object, emit_object(module, *machine, options.isa));
  if (!error.empty())
    return fail(SOKR_DISPATCH_FAILED, "LLVM could not compile the kernel: {}", error);
  std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(object.data()),
                                      object.size());
  SOKR_ASSIGN(auto image, link_image(bytes,
                                     options.builtins ? options.builtins->object()
                                                      : std::span<const std::uint8_t>(),
                                     "sokr_kernel"));
  stages.ended("generate", image.bytes.size(), "bytes of code");

  CompiledKernel kernel;
  kernel.isa = options.isa;
  if (processor_may_flush(*program.module, *program.entry)) kernel.flags |= kKernelFlushDenormals;
  if (float_modes(*program.entry).toward_zero) kernel.flags |= kKernelRoundTowardZero;
  kernel.local_size = geometry.local;
  kernel.subgroup_size = geometry.subgroup;
  kernel.lanes = geometry.lanes();
  kernel.passes = geometry.passes();
  kernel.scratch_size = emitter.scratch_size();
  kernel.binding_count = emitter.binding_count();
  kernel.push_constant_size = emitter.push_size();
  kernel.entry_offset = image.entry;
  kernel.image = std::move(image.bytes);
  return kernel;
}

}  // namespace

Result<CompiledKernel> compile(const spirv::Module& module, const spirv::EntryPoint& entry,
                               const CompileOptions& given) {
  SOKR_TRY(check(module, entry, given));
  const CompileOptions options = given.effort == Effort::kDraft ? as_draft(given) : given;
  Stages stages(options);
  try {
    SOKR_ASSIGN(const CallPlan plan, plan_calls(module, entry));
    SOKR_ASSIGN(Programs programs, lower_all(module, entry, plan, options));
    std::size_t instructions = instruction_count(programs.kernel);
    for (const auto& [id, program] : programs.shared) instructions += instruction_count(program);
    stages.ended("lower", instructions, "instructions");
    return compile_program(programs, plan, options, stages);
  } catch (const std::bad_alloc&) {
    return fail(SOKR_DISPATCH_FAILED, "no memory to compile entry point {}", entry.name);
  }
}

std::string compiler_fingerprint(Isa isa) {
  CpuModel model = model_of(isa);
  return fmt::format("sokr-cpu {} llvm {} {} {} {}", kCompilerVersion, LLVM_VERSION_STRING,
                     isa_name(isa), model.cpu, model.features);
}

}  // namespace sokr::cpu
