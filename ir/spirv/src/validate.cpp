// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A module is decoded first, which takes time in proportion to its size and measures what the
// validator would do with it. SPIRV-Tools then validates a copy of the module in which everything
// without meaning is gone, and if it refuses that, and strictness allows, a copy that differs in
// what drivers do not mind. What would take the validator too long is read without it, unless a
// strict reading is asked for.
#include <spirv-tools/libspirv.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <sokr/spirv/module.hpp>

#include "decoder.hpp"
#include "strip.hpp"
#include "syntax.hpp"
#include "typing.hpp"

namespace sokr::spirv {
namespace {

constexpr std::size_t kMaxMessage = 600;

struct ContextDeleter {
  void operator()(spv_context context) const { spvContextDestroy(context); }
};
struct OptionsDeleter {
  void operator()(spv_validator_options options) const { spvValidatorOptionsDestroy(options); }
};
struct DiagnosticDeleter {
  void operator()(spv_diagnostic diagnostic) const { spvDiagnosticDestroy(diagnostic); }
};
using Context = std::unique_ptr<spv_context_t, ContextDeleter>;
using Options = std::unique_ptr<spv_validator_options_t, OptionsDeleter>;
using Diagnostic = std::unique_ptr<spv_diagnostic_t, DiagnosticDeleter>;

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
      if (!line.empty() && line.back() != ' ') line.push_back(' ');
    } else {
      line.push_back(c);
    }
  }
  while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
  if (line.size() > kMaxMessage) line = line.substr(0, kMaxMessage) + " ...";
  return line;
}

// "instruction 12 (OpLoad %34, word 210)"; empty for a problem of the whole module.
std::string describe_position(const Stripped& module, std::size_t index) {
  if (index == 0 || index > module.origins.size() || module.origins[index - 1] == 0) return {};
  std::size_t at = kHeaderWords;
  for (std::size_t i = 1; i < index; ++i) at += module.words[at] >> 16;
  const OpcodeRow* row = opcode_row(module.words[at] & 0xFFFF);
  std::string id;
  if (row != nullptr && row->has_result && at + 1 + row->has_type < module.words.size()) {
    id = fmt::format(" %{}", module.words[at + 1 + row->has_type]);
  }
  return fmt::format("instruction {} ({}{}, word {}): ", module.numbers[index - 1],
                     op_name(static_cast<spv::Op>(module.words[at] & 0xFFFF)), id,
                     module.origins[index - 1]);
}

// The validator's time grows with the square of how control flow nests, and with the cube in
// the worst case.
Result<void> check_flow_cost(const Module& module, const Decoder::FlowCost& cost,
                             Strictness strictness) {
  const std::uint64_t limit =
      limits::flow_steps(module.words().size(), strictness == Strictness::kStrict);
  if (cost.steps <= limit) return {};
  return fail(SOKR_CAPABILITY_DENIED,
              "the control flow would take the validator {} steps, a module of {} words may take "
              "{}; function {} has {} blocks and {} of the steps",
              cost.steps, module.words().size(), limit, module.describe(cost.worst),
              cost.worst_blocks, cost.worst_steps);
}

class Validator {
 public:
  static Result<Validator> create() {
    Validator validator;
    validator.context_.reset(spvContextCreate(SPV_ENV_VULKAN_1_3));
    validator.options_.reset(spvValidatorOptionsCreate());
    spv_validator_options options = validator.options_.get();
    if (validator.context_ == nullptr || options == nullptr) {
      return fail(SOKR_DISPATCH_FAILED, "out of memory while validating a SPIR-V module");
    }
    spvValidatorOptionsSetScalarBlockLayout(options, true);
    spvValidatorOptionsSetUniformBufferStandardLayout(options, true);
    spvValidatorOptionsSetWorkgroupScalarBlockLayout(options, true);
    spvValidatorOptionsSetAllowLocalSizeId(options, true);
    return validator;
  }

  Result<void> run(const Stripped& module) const {
    // To know the names of all ids takes a sixth of the time, and only a complaint has them.
    if (run(module, false)) return {};
    return run(module, true);
  }

 private:
  Result<void> run(const Stripped& module, bool with_names) const {
    spvValidatorOptionsSetFriendlyNames(options_.get(), with_names);
    spv_const_binary_t binary{module.words.data(), module.words.size()};
    spv_diagnostic raw_diagnostic = nullptr;
    const spv_result_t result =
        spvValidateWithOptions(context_.get(), options_.get(), &binary, &raw_diagnostic);
    const Diagnostic diagnostic(raw_diagnostic);
    if (result == SPV_SUCCESS) return {};
    if (diagnostic == nullptr || diagnostic->error == nullptr) {
      return fail(SOKR_INVALID_IR, "the SPIR-V module is not valid for Vulkan (error {})",
                  static_cast<int>(result));
    }
    return fail(SOKR_INVALID_IR, "{}{}", describe_position(module, diagnostic->position.index),
                one_line(diagnostic->error));
  }

  Context context_;
  Options options_;
};

// Does the library know a capability? Its assembler is asked, whose names are the validator's own.
bool knows(spv::Capability capability) {
  const Context context(spvContextCreate(SPV_ENV_UNIVERSAL_1_6));
  if (context == nullptr) return false;
  const std::string text = fmt::format("OpCapability {}", capability_name(capability));
  spv_binary binary = nullptr;
  spv_diagnostic diagnostic = nullptr;
  const spv_result_t result =
      spvTextToBinary(context.get(), text.data(), text.size(), &binary, &diagnostic);
  spvBinaryDestroy(binary);
  spvDiagnosticDestroy(diagnostic);
  return result == SPV_SUCCESS;
}

// Capabilities that are understood here and that the library may be too old for.
struct Young {
  spv::Capability capability;
  bool is_known;
};

std::span<const Young> young_capabilities() {
  static const Young rows[] = {{kCooperativeMatrixCapability, knows(kCooperativeMatrixCapability)},
                               {kFloatControls2Capability, knows(kFloatControls2Capability)}};
  return rows;
}

Failure too_old(std::string_view what) {
  return fail(SOKR_CAPABILITY_DENIED,
              "it uses {}, which SPIRV-Tools {}, with which this build validates modules, does not "
              "know: a build with a newer one does, and so does SOKR_VALIDATE=off",
              what, spvSoftwareVersionString());
}

Result<void> check_validator_knows(const Module& module) {
  for (const Young& young : young_capabilities()) {
    if (!young.is_known &&
        std::ranges::find(module.capabilities(), young.capability) != module.capabilities().end()) {
      return too_old(capability_name(young.capability));
    }
  }
  return {};
}

// A module that the validator refuses because it is newer than the validator.
Result<void> check_opcodes(const Module& module) {
  Result<void> result;
  std::uint32_t number = 0;
  for_each_instruction(module.words(), [&](spv::Op op, auto, auto, std::size_t at) {
    ++number;
    const auto opcode = static_cast<std::uint32_t>(op);
    if (!result || is_extended(op) || spvOpcodeString(opcode) != std::string("unknown")) return;
    if (find_syntax(opcode)->added) {
      result = too_old(op_name(op));
      return;
    }
    result = fail(SOKR_CAPABILITY_DENIED, "instruction {} ({}, word {}): {}", number, op_name(op),
                  at, not_known(module.words(), op_name(op)));
  });
  return result;
}

Result<void> run_validator(const Module& module, const ValidateOptions& options) {
  SOKR_TRY(check_validator_knows(module));
  const Stripped stripped = strip(module.words());
  SOKR_ASSIGN(const Validator validator, Validator::create());
  Result<void> first = validator.run(stripped);
  if (first) return first;
  SOKR_TRY(check_opcodes(module));
  if (options.strictness == Strictness::kStrict) return first;
  SOKR_TRY(validator.run(normalise(stripped, module)));
  if (options.remark != nullptr) *options.remark = first.failure().sentence;
  return {};
}

// Whatever the safety of those who read the module needs.
Result<void> check_alone(const Module& module) {
  SOKR_TRY(check_uses(module));
  SOKR_TRY(check_types(module));
  return check_unvalidated(module);
}

}  // namespace

Result<Strictness> strictness_from(std::optional<std::string_view> option) {
  const char* variable = option ? nullptr : std::getenv("SOKR_VALIDATE");
  const std::string_view word = option ? *option : variable != nullptr ? variable : "";
  if (word == "strict") return Strictness::kStrict;
  if (word == "relaxed" || word.empty()) return Strictness::kRelaxed;
  if (word == "off") return Strictness::kOff;
  return fail(SOKR_INVALID_INPUT, "{} is '{}'; it can be strict, relaxed or off",
              option ? "the option spirv.validate" : "SOKR_VALIDATE", word);
}

Result<void> validate(std::span<const std::uint8_t> bytes, const ValidateOptions& options) {
  if (options.remark != nullptr) options.remark->clear();
  try {
    const DecodeOptions any{.any_values = true};
    Decoder decoder(any);
    SOKR_ASSIGN(const std::shared_ptr<const Module> module, decoder.decode(bytes));
    if (options.strictness == Strictness::kOff) return check_alone(*module);
    const Result<void> cost = check_flow_cost(*module, decoder.flow_cost(), options.strictness);
    if (cost) {
      SOKR_TRY(run_validator(*module, options));
      return check_unvalidated(*module);
    }
    if (options.strictness == Strictness::kStrict) return cost;
    const Result<void> alone = check_alone(*module);
    // What only the validator knows stays with it.
    if (!alone) return alone.code() == SOKR_CAPABILITY_DENIED ? cost : alone;
    if (options.remark != nullptr)
      *options.remark = fmt::format("{}, so that it was not asked", cost.failure().sentence);
    return {};
  } catch (const std::bad_alloc&) {
    return fail(SOKR_DISPATCH_FAILED, "out of memory while validating a SPIR-V module");
  }
}

}  // namespace sokr::spirv
