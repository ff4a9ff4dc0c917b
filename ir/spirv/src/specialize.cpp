// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <sokr/spirv/module.hpp>

#include "fold.hpp"
#include "grammar.hpp"
#include "strip.hpp"

namespace sokr::spirv {
namespace {

constexpr std::size_t kMaxWords = 65535;  // of one instruction

bool is_spec_constant(spv::Op op) {
  switch (op) {
    case spv::Op::OpSpecConstantTrue:
    case spv::Op::OpSpecConstantFalse:
    case spv::Op::OpSpecConstant:
    case spv::Op::OpSpecConstantComposite:
    case spv::Op::OpSpecConstantOp:
      return true;
    default:
      return false;
  }
}

class Writer {
 public:
  explicit Writer(const Module& module)
      : module_(module),
        in_(module.words()),
        own_bound_(in_[3]),
        written_(module.bound() - own_bound_, false) {}

  std::vector<std::uint32_t> run() {
    out_.reserve(in_.size());
    out_.assign(in_.begin(), in_.begin() + kHeaderWords);
    out_[3] = module_.bound();
    for (std::size_t at = kHeaderWords; at < in_.size();) {
      const auto op = static_cast<spv::Op>(in_[at] & 0xFFFF);
      const std::span<const std::uint32_t> words = in_.subspan(at, in_[at] >> 16);
      at += words.size();
      if (is_spec_constant(op) && fits(words[2])) {
        write(words[2]);
      } else if (op == spv::Op::OpEntryPoint) {
        const auto whole = complete_interface(words, module_, minor_version(in_));
        out_.insert(out_.end(), whole.begin(), whole.end());
      } else if (!is_spec_id(op, words)) {
        out_.insert(out_.end(), words.begin(), words.end());
      }
    }
    return std::move(out_);
  }

 private:
  static bool is_spec_id(spv::Op op, std::span<const std::uint32_t> words) {
    return op == spv::Op::OpDecorate &&
           static_cast<spv::Decoration>(words[2]) == spv::Decoration::SpecId;
  }

  // Folding made it; no instruction of the module does.
  bool is_new(Id id) const { return id >= own_bound_; }

  bool fits(Id id) const {
    const Constant& constant = *module_.constant(id);
    return constant.parts.size() + 3 <= kMaxWords &&
           std::all_of(constant.parts.begin(), constant.parts.end(),
                       [&](Id part) { return !is_new(part) || fits(part); });
  }

  // Parts lie one level below their whole, so that this goes no deeper than types nest.
  void write(Id id) {
    const Constant& constant = *module_.constant(id);
    for (const Id part : constant.parts) {
      if (!is_new(part) || written_[part - own_bound_]) continue;
      written_[part - own_bound_] = true;
      write(part);
    }
    const Type& type = *module_.type(constant.type);
    if (constant.is_undef) return add(spv::Op::OpUndef, constant, {});
    if (constant.is_null) return add(spv::Op::OpConstantNull, constant, {});
    if (type.kind == TypeKind::kBool) {
      return add(constant.bits != 0 ? spv::Op::OpConstantTrue : spv::Op::OpConstantFalse, constant,
                 {});
    }
    if (type.kind != TypeKind::kInt && type.kind != TypeKind::kFloat) {
      return add(spv::Op::OpConstantComposite, constant, constant.parts);
    }
    // What is narrower than a word is extended to it as the type says.
    const bool is_signed = type.kind == TypeKind::kInt && type.is_signed;
    const std::uint64_t bits =
        is_signed ? static_cast<std::uint64_t>(sign_extend(constant.bits, type.width))
                  : constant.bits;
    const std::uint32_t numbers[] = {static_cast<std::uint32_t>(bits),
                                     static_cast<std::uint32_t>(bits >> 32)};
    add(spv::Op::OpConstant, constant, std::span(numbers).first(type.width > 32 ? 2 : 1));
  }

  void add(spv::Op op, const Constant& constant, std::span<const std::uint32_t> operands) {
    const auto count = static_cast<std::uint32_t>(operands.size() + 3);
    out_.insert(out_.end(),
                {count << 16 | static_cast<std::uint32_t>(op), constant.type, constant.id});
    out_.insert(out_.end(), operands.begin(), operands.end());
  }

  const Module& module_;
  const std::span<const std::uint32_t> in_;
  const Id own_bound_;
  std::vector<bool> written_;  // of the new constants
  std::vector<std::uint32_t> out_;
};

}  // namespace

std::vector<std::uint32_t> specialized_words(const Module& module) {
  return Writer(module).run();
}

}  // namespace sokr::spirv
