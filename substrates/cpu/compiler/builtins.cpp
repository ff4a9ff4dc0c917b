// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/builtins.hpp"

#include "compiler/analysis/analysis.hpp"
#include "compiler/codegen/codegen.hpp"
#include "compiler/codegen/link.hpp"
#include "compiler/codegen/llvm_versions.hpp"
#include "compiler/emit/emitter.hpp"
#include "compiler/math/vector_elementary.hpp"
#include "compiler/program/calls.hpp"
#include "compiler/program/float_modes.hpp"

namespace sokr::cpu {
namespace {

// A kernel that does nothing, for the registers of an instruction set: 64 invocations fill those of
// any.
constexpr std::uint32_t kNothing[] = {
    spv::MagicNumber, 0x00010000, 0, 5, 0,
    // OpCapability Shader; OpMemoryModel Logical GLSL450
    2u << 16 | static_cast<std::uint32_t>(spv::Op::OpCapability),
    static_cast<std::uint32_t>(spv::Capability::Shader),
    3u << 16 | static_cast<std::uint32_t>(spv::Op::OpMemoryModel),
    static_cast<std::uint32_t>(spv::AddressingModel::Logical),
    static_cast<std::uint32_t>(spv::MemoryModel::GLSL450),
    // OpEntryPoint GLCompute %1 "main"; OpExecutionMode %1 LocalSize 64 1 1
    5u << 16 | static_cast<std::uint32_t>(spv::Op::OpEntryPoint),
    static_cast<std::uint32_t>(spv::ExecutionModel::GLCompute), 1, 0x6e69616d, 0,
    6u << 16 | static_cast<std::uint32_t>(spv::Op::OpExecutionMode), 1,
    static_cast<std::uint32_t>(spv::ExecutionMode::LocalSize), 64, 1, 1,
    // %2 = OpTypeVoid; %3 = OpTypeFunction %2; %1 = OpFunction %2 None %3; %4 = OpLabel
    2u << 16 | static_cast<std::uint32_t>(spv::Op::OpTypeVoid), 2,
    3u << 16 | static_cast<std::uint32_t>(spv::Op::OpTypeFunction), 3, 2,
    5u << 16 | static_cast<std::uint32_t>(spv::Op::OpFunction), 2, 1, 0, 3,
    2u << 16 | static_cast<std::uint32_t>(spv::Op::OpLabel), 4,
    1u << 16 | static_cast<std::uint32_t>(spv::Op::OpReturn),
    1u << 16 | static_cast<std::uint32_t>(spv::Op::OpFunctionEnd)};

}  // namespace

void Emitter::emit_builtins() {
  frame_.begin_function();
  for (const bool is_store : {false, true}) {
    for (const Lanes::Lying how : {Lanes::Lying::kSteps, Lanes::Lying::kIndices}) {
      for (const unsigned count : {2u, 3u, 4u})
        if (count != 3 || (!is_store && how == Lanes::Lying::kSteps))
          lanes_.element_function(how, count, 4, is_store);
      lanes_.element_function(how, 4, 2, is_store);
    }
    // No halves, which are handed over as whole numbers.
    for (const Lanes::Lying how :
         {Lanes::Lying::kSteps, Lanes::Lying::kIndices, Lanes::Lying::kPointers})
      for (LlvmType* element :
           llvm::SmallVector<LlvmType*, 6>{b_.getInt8Ty(), b_.getInt16Ty(), b_.getInt32Ty(),
                                           b_.getInt64Ty(), b_.getFloatTy(), b_.getDoubleTy()})
        lanes_.lane_function(how, element, is_store, false);
  }
  for (unsigned i = 0; i < math::kElementaryFunctions; ++i)
    math::elementary_function(b_, static_cast<math::ElementaryFunction>(i),
                              b_.wide(b_.getFloatTy()), {t_.fma, t_.scales},
                              [](llvm::StringRef) { return false; });
  at_.function->eraseFromParent();
  for (llvm::Function& function : m_) {
    if (function.isDeclaration()) continue;
    at_.function = &function;
    frame_.choose_registers();
    function.setLinkage(llvm::GlobalValue::ExternalLinkage);
  }
}

Result<std::vector<std::uint8_t>> compile_builtins(Isa isa) {
  SOKR_ASSIGN(const auto module,
              spirv::decode({reinterpret_cast<const std::uint8_t*>(kNothing), sizeof kNothing}));
  const spirv::EntryPoint& entry = module->entry_points().front();
  CompileOptions options;
  options.isa = isa;
  SOKR_ASSIGN(const CallPlan plan, plan_calls(*module, entry));
  SOKR_ASSIGN(const Program program, lower(*module, entry, plan, 0));
  const Geometry geometry = choose_geometry(program, options);
  const Analysis analysis = analyse(program, geometry);
  SOKR_ASSIGN(const auto machine, make_least_machine(isa));
  llvm::LLVMContext context;
  llvm::Module out("builtins", context);
  out.setTargetTriple(as_triple(machine->getTargetTriple().str()));
  out.setDataLayout(machine->createDataLayout());
  const TargetTraits traits = traits_of(isa);
  VectorBuilder builder(out, program, analysis, geometry, options, traits);
  Emitter(builder).emit_builtins();
  optimise(out, *machine, options, false);
  SOKR_ASSIGN(const auto object, emit_object(out, *machine, isa));
  return std::vector<std::uint8_t>(object.begin(), object.end());
}

}  // namespace sokr::cpu
