// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What drivers do not mind, put right: the header's version, extensions that are used without
// being declared, interfaces of entry points, conversions that convert nothing, lengths of arrays
// that only a launch gives, constants of types that are declared for storage only, pointers of
// which nothing says whether others point there, too.
#include <algorithm>
#include <bit>
#include <set>

#include "grammar.hpp"
#include "narrow.hpp"
#include "strip.hpp"
#include "syntax.hpp"

namespace sokr::spirv {
namespace {

constexpr std::size_t kMaxInstructionWords = 65535;
constexpr std::uint32_t kFullInterfaces = 4;    // the minor version whose interfaces list all
constexpr std::uint32_t kLastBufferBlock = 3;   // the last one that has BufferBlock
constexpr std::uint32_t kFoldedConversion = 4;  // the first one that folds OpUConvert
constexpr std::string_view kFoldsConversion = "SPV_AMD_gpu_shader_int16";  // before that one

std::vector<std::uint32_t> string_to_words(std::string_view text) {
  std::vector<std::uint32_t> words(text.size() / 4 + 1, 0);
  for (std::size_t i = 0; i < text.size(); ++i)
    words[i / 4] |= std::uint32_t{static_cast<unsigned char>(text[i])} << 8 * (i % 4);
  return words;
}

// What stands before the decorations of a module.
bool is_before_annotations(spv::Op op) {
  switch (op) {
    case spv::Op::OpCapability:
    case spv::Op::OpExtension:
    case spv::Op::OpExtInstImport:
    case spv::Op::OpMemoryModel:
    case spv::Op::OpEntryPoint:
    case spv::Op::OpExecutionMode:
    case spv::Op::OpExecutionModeId:
    case spv::Op::OpString:
    case spv::Op::OpSource:
    case spv::Op::OpSourceContinued:
    case spv::Op::OpSourceExtension:
    case spv::Op::OpName:
    case spv::Op::OpMemberName:
    case spv::Op::OpModuleProcessed:
      return true;
    default:
      return false;
  }
}

class Normaliser {
 public:
  Normaliser(const Stripped& module, const Module& decoded)
      : in_(module), decoded_(decoded), minor_(minor_version(module.words)) {
    declared_.insert(decoded.extensions().begin(), decoded.extensions().end());
  }

  Stripped run() {
    for_each_instruction(in_.words, [&](spv::Op op, auto operands, auto, std::size_t) {
      if (has_buffer_block(op, operands)) minor_ = std::min(minor_, kLastBufferBlock);
      if (op == spv::Op::OpTypeArray && operands.size() > 2) lengths_.insert(operands[2]);
      find_open_pointer(op, operands);
    });
    for_each_instruction(
        in_.words, [&](spv::Op op, auto operands, auto, std::size_t) { find_needs(op, operands); });
    out_.words.assign(in_.words.begin(), in_.words.begin() + kHeaderWords);
    out_.words[1] = 0x00010000 | minor_ << 8;
    std::size_t index = 0;
    bool extensions_are_out = false;
    bool decorations_are_out = false;
    for_each_instruction(in_.words, [&](spv::Op op, auto, auto whole, std::size_t) {
      if (op != spv::Op::OpCapability && !extensions_are_out) {
        add_capabilities();
        add_extensions();
        extensions_are_out = true;
      }
      if (!decorations_are_out && !is_before_annotations(op)) {
        add_decorations();
        decorations_are_out = true;
      }
      add(op, whole, in_.origins[index], in_.numbers[index]);
      ++index;
    });
    return std::move(out_);
  }

 private:
  void find_needs(spv::Op op, std::span<const std::uint32_t> operands) {
    const auto opcode = static_cast<std::uint32_t>(op);
    const OpcodeRow& row = *opcode_row(opcode);
    need(*find_syntax(opcode));
    minor_ = std::max(minor_, version_of_use(op, operands));
    const std::size_t fixed = std::size_t{row.has_type} + row.has_result;
    if (operands.size() < fixed) return;
    if (op == spv::Op::OpSpecConstantOp && operands.size() > fixed &&
        static_cast<spv::Op>(operands[fixed]) == spv::Op::OpUConvert && minor_ < kFoldedConversion)
      declare(kFoldsConversion);
    // A literal of two words can only be in an instruction without enumerants.
    walk_operands(
        *find_syntax(opcode), operands.subspan(fixed), 1, [](std::size_t) {},
        [&](const EnumerantKind&, const SyntaxRow& enumerant) { need(enumerant); });
  }

  // The minor version that first lets an older instruction be used in this way.
  std::uint32_t version_of_use(spv::Op op, std::span<const std::uint32_t> operands) const {
    constexpr std::uint32_t kAnyUse = 0, k14 = 4, k15 = 5;
    switch (op) {
      case spv::Op::OpSelect:  // of anything, and of vectors by one condition
        return operands.size() > 2 && !selects_components(operands) ? k14 : kAnyUse;
      case spv::Op::OpCopyMemory:  // what is said of the source apart from what of the target
        return has_two_accesses(operands.subspan(std::min<std::size_t>(operands.size(), 2)))
                   ? k14
                   : kAnyUse;
      case spv::Op::OpDecorate:  // of an invocation's own variables
        return operands.size() > 1 &&
                       static_cast<spv::Decoration>(operands[1]) == spv::Decoration::NonWritable &&
                       is_private(operands[0])
                   ? k14
                   : kAnyUse;
      case spv::Op::OpGroupNonUniformBroadcast:  // of an invocation that is computed
      case spv::Op::OpGroupNonUniformQuadBroadcast:
        return operands.size() > 4 && decoded_.constant(operands[4]) == nullptr ? k15 : kAnyUse;
      default:
        return kAnyUse;
    }
  }

  bool selects_components(std::span<const std::uint32_t> operands) const {
    const Type* type = decoded_.type(operands[0]);
    const Type* condition = decoded_.type(decoded_.type_of(operands[2]));
    if (type == nullptr || condition == nullptr) return true;
    const bool many = type->kind == TypeKind::kVector;
    if (many != (condition->kind == TypeKind::kVector)) return false;
    return type->kind != TypeKind::kStruct && type->kind != TypeKind::kArray &&
           type->kind != TypeKind::kMatrix;
  }

  static bool has_two_accesses(std::span<const std::uint32_t> access) {
    if (access.empty()) return false;
    // Each of these bits is followed by a word.
    const spv::MemoryAccessMask with_word = spv::MemoryAccessMask::Aligned |
                                            spv::MemoryAccessMask::MakePointerAvailable |
                                            spv::MemoryAccessMask::MakePointerVisible;
    const auto first = static_cast<spv::MemoryAccessMask>(access[0]) & with_word;
    return access.size() > 1 + std::popcount(static_cast<std::uint32_t>(first));
  }

  bool is_private(Id id) const {
    if (const Variable* variable = decoded_.variable(id); variable != nullptr)
      return variable->storage == spv::StorageClass::Private ||
             variable->storage == spv::StorageClass::Function;
    const Type* type = decoded_.type(decoded_.type_of(id));
    return type != nullptr && type->kind == TypeKind::kPointer &&
           (type->storage == spv::StorageClass::Private ||
            type->storage == spv::StorageClass::Function);
  }

  static bool has_buffer_block(spv::Op op, std::span<const std::uint32_t> operands) {
    return op == spv::Op::OpDecorate && operands.size() > 1 &&
           static_cast<spv::Decoration>(operands[1]) == spv::Decoration::BufferBlock;
  }

  void declare(std::string_view extension) {
    if (declared_.emplace(extension).second) missing_.emplace_back(extension);
  }

  void need(const SyntaxRow& row) {
    if ((row.version != kNoVersion && row.version <= minor_) || !met_.insert(&row).second) return;
    const std::string_view extensions(row.extensions);
    for (const std::string& declared : declared_)
      if (lists(extensions, declared)) return;
    if (!extensions.empty()) {
      declare(extensions.substr(0, extensions.find(' ')));
    } else if (row.version != kNoVersion) {
      minor_ = row.version;
    }
  }

  // Variables and parameters that are or hold addresses say whether others point there, too.
  // Without a word they may, which is what everybody assumes.
  void find_open_pointer(spv::Op op, std::span<const std::uint32_t> operands) {
    if (op == spv::Op::OpDecorate && operands.size() > 1) {
      switch (static_cast<spv::Decoration>(operands[1])) {
        case spv::Decoration::Aliased:
        case spv::Decoration::Restrict:
        case spv::Decoration::AliasedPointer:
        case spv::Decoration::RestrictPointer:
          said_.insert(operands[0]);
          return;
        default:
          return;
      }
    }
    // What is said of a group comes before it, and is said of all that it is given to.
    if (op == spv::Op::OpGroupDecorate && !operands.empty() && said_.contains(operands[0])) {
      said_.insert(operands.begin() + 1, operands.end());
      return;
    }
    if ((op != spv::Op::OpVariable && op != spv::Op::OpFunctionParameter) ||
        said_.contains(operands[1]))
      return;
    if (is_address(operands[0])) {
      open_.emplace_back(operands[1], spv::Decoration::Aliased);
    } else if (const Type* type = decoded_.type(operands[0]);
               type != nullptr && type->kind == TypeKind::kPointer && is_address(type->element)) {
      open_.emplace_back(operands[1], spv::Decoration::AliasedPointer);
    }
  }

  bool is_address(Id id) const {
    const Type* type = decoded_.type(id);
    while (type != nullptr && type->kind == TypeKind::kArray) type = decoded_.type(type->element);
    return type != nullptr && type->kind == TypeKind::kPointer &&
           type->storage == spv::StorageClass::PhysicalStorageBuffer;
  }

  void add_capabilities() {
    for (const spv::Capability capability : needs_of_constants(in_, decoded_)) {
      const std::uint32_t whole[] = {2U << 16 | static_cast<std::uint32_t>(spv::Op::OpCapability),
                                     static_cast<std::uint32_t>(capability)};
      out_.append(whole, 0, 0);
    }
  }

  void add_decorations() {
    for (const auto& [id, decoration] : open_) {
      const std::uint32_t whole[] = {3U << 16 | static_cast<std::uint32_t>(spv::Op::OpDecorate), id,
                                     static_cast<std::uint32_t>(decoration)};
      out_.append(whole, 0, 0);
    }
  }

  void add_extensions() {
    for (const std::string& name : missing_) {
      std::vector<std::uint32_t> whole = string_to_words(name);
      whole.insert(whole.begin(), static_cast<std::uint32_t>(whole.size() + 1) << 16 |
                                      static_cast<std::uint32_t>(spv::Op::OpExtension));
      out_.append(whole, 0, 0);
    }
  }

  void add(spv::Op op, std::span<const std::uint32_t> whole, std::uint32_t origin,
           std::uint32_t number) {
    switch (op) {
      case spv::Op::OpEntryPoint:
        out_.append(complete_interface(whole, decoded_, minor_), origin, number);
        return;
      case spv::Op::OpFConvert:
      case spv::Op::OpSConvert:
      case spv::Op::OpUConvert: {
        std::vector<std::uint32_t> copy(whole.begin(), whole.end());
        copy[0] = (copy[0] & 0xFFFF0000) | static_cast<std::uint32_t>(conversion(op, whole));
        out_.append(copy, origin, number);
        return;
      }
      case spv::Op::OpSpecConstant:
        out_.append(with_good_length(whole), origin, number);
        return;
      default:
        out_.append(whole, origin, number);
        return;
    }
  }

  // The length of an array that a launch gives, 0 or negative if none does: one that is good. The
  // decoder judges that of the launch.
  std::vector<std::uint32_t> with_good_length(std::span<const std::uint32_t> whole) const {
    std::vector<std::uint32_t> result(whole.begin(), whole.end());
    const Constant* constant = decoded_.constant(whole[2]);
    const Type* type = decoded_.type(whole[1]);
    if (constant == nullptr || constant->spec_id == UINT32_MAX || type == nullptr ||
        type->kind != TypeKind::kInt || !lengths_.contains(whole[2]))
      return result;
    const bool is_negative = type->is_signed && constant->default_bits >> (type->width - 1) != 0;
    if (constant->default_bits != 0 && !is_negative) return result;
    std::fill(result.begin() + 3, result.end(), 0);
    result[3] = 1;
    return result;
  }

  // All three forms have one operand.
  spv::Op conversion(spv::Op op, std::span<const std::uint32_t> whole) const {
    const Id from = whole.size() > 3 ? decoded_.type_of(whole[3]) : 0;
    if (from == 0) return op;
    if (from == whole[1]) return spv::Op::OpCopyObject;
    const Type& a = decoded_.scalar_type(from);
    const Type& b = decoded_.scalar_type(whole[1]);
    const bool is_same = a.kind == TypeKind::kInt && b.kind == TypeKind::kInt &&
                         a.width == b.width && op != spv::Op::OpFConvert &&
                         decoded_.component_count(from) == decoded_.component_count(whole[1]);
    return is_same ? spv::Op::OpBitcast : op;
  }

  const Stripped& in_;
  const Module& decoded_;
  std::uint32_t minor_;
  std::set<std::string> declared_;
  std::vector<std::string> missing_;
  std::set<const SyntaxRow*> met_;
  std::set<Id> lengths_;  // of arrays
  std::set<Id> said_;     // what is decorated as aliased or restricted
  std::vector<std::pair<Id, spv::Decoration>> open_;
  Stripped out_;
};

}  // namespace

std::vector<std::uint32_t> complete_interface(std::span<const std::uint32_t> whole,
                                              const Module& decoded, std::uint32_t minor) {
  std::vector<std::uint32_t> result(whole.begin(), whole.end());
  if (static_cast<spv::ExecutionModel>(whole[1]) != spv::ExecutionModel::GLCompute) return result;
  const auto entry = decoded.entry_point(read_string(whole.subspan(3)));
  if (!entry) return result;
  result.resize(3 + string_words(whole.subspan(3)));
  std::set<Id> listed;
  const auto list = [&](Id id) {
    const Variable* variable = decoded.variable(id);
    const bool belongs = variable == nullptr || minor >= kFullInterfaces ||
                         variable->storage == spv::StorageClass::Input ||
                         variable->storage == spv::StorageClass::Output;
    if (belongs && listed.insert(id).second) result.push_back(id);
  };
  for (const Id id : whole.subspan(result.size())) list(id);
  for (const Id id : (*entry)->globals) list(id);
  if (result.size() > kMaxInstructionWords) return {whole.begin(), whole.end()};
  result[0] = static_cast<std::uint32_t>(result.size()) << 16 |
              static_cast<std::uint32_t>(spv::Op::OpEntryPoint);
  return result;
}

Stripped normalise(const Stripped& module, const Module& decoded) {
  return Normaliser(module, decoded).run();
}

}  // namespace sokr::spirv
