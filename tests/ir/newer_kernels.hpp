// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels of cooperative matrices and float controls 2, word by word: compilers and assemblers that
// distributions package may be older than both.
#ifndef SOKR_TESTS_IR_NEWER_KERNELS_HPP_
#define SOKR_TESTS_IR_NEWER_KERNELS_HPP_

#include <array>
#include <optional>
#include <sokr/spirv/newer.hpp>
#include <string_view>

#include "words.hpp"

namespace sokr::spirv::test {

using spv::Op;

inline void add_text(Words& w, Op op, std::vector<std::uint32_t> before, std::string_view text,
                     const std::vector<std::uint32_t>& behind = {}) {
  const std::size_t at = before.size();
  before.resize(at + text.size() / 4 + 1, 0);
  std::memcpy(before.data() + at, text.data(), text.size());
  before.insert(before.end(), behind.begin(), behind.end());
  w.add(op, {}, before);
}

// Numbers that a matrix holds.
struct Component {
  bool is_float = true;
  std::uint32_t width = 16;
  bool is_signed = false;
  bool operator==(const Component&) const = default;
};

// sums = left * right + start, tile by tile: workgroup (x, y) makes the tile in row y and column x.
// Buffers 0.0 left, 0.1 right, 0.2 start, 0.3 sums; pushed are the number of tiles from left to
// right in `left`, and the strides of left, right and both others, in components.
struct MatrixKernel {
  Component left, right, sum{true, 32, false};
  std::uint32_t m = 16, n = 16, k = 16;  // of a tile
  bool is_specialized = false;           // constants 0, 1 and 2 are m, n and k
  bool right_is_column_major = false;
  std::uint32_t local_size = 32;
  // What decides it: the mode, an expression of constant 3, or a vector that constant 3 chooses.
  enum class Size : std::uint8_t { kMode, kExpression, kChosen };
  Size size = Size::kMode;
  std::uint32_t operands = 0;
  std::uint32_t scope = 3;  // of a subgroup
  // Of 0.2 alone: sums = 8 * start + 2, by every operation that works on matrices as on numbers.
  bool is_elementwise = false;

  std::vector<std::uint8_t> bytes() const;
};

class MatrixWriter {
 public:
  explicit MatrixWriter(const MatrixKernel& kernel) : k_(kernel) {}

  std::vector<std::uint8_t> run() {
    preamble();
    annotate();
    declare();
    w_.begin(w_.main);
    const Id group = value(Op::OpLoad, v3_, {group_id_});
    const Id column = value(Op::OpIMul, w_.u32, {extract(group, 0), n_});
    const Id row = value(Op::OpIMul, w_.u32, {extract(group, 1), m_});
    const Id stride = pushed(3);
    const Id place = at(row, stride, column);
    const Id start = load(sum_matrix_, 2, to_sum_, place, stride, row_major_);
    w_.add(Op::OpStore, {sum_variable_, start});
    if (k_.is_elementwise) {
      by_elements();
    } else {
      by_tiles(row, column);
    }
    const Id sums = value(Op::OpLoad, sum_matrix_, {sum_variable_});
    const Id to = value(Op::OpAccessChain, to_sum_, {buffers_[3], zero_, place});
    w_.add(kCooperativeMatrixStore, {to, sums, row_major_, stride});
    w_.end();
    return w_.bytes();
  }

 private:
  using Id = std::uint32_t;

  Id value(Op op, Id type, const std::vector<Id>& args) { return w_.value(op, type, args); }
  Id extract(Id vector, Id index) { return value(Op::OpCompositeExtract, w_.u32, {vector, index}); }
  Id constant(std::uint32_t number) { return value(Op::OpConstant, w_.u32, {number}); }
  Id pushed(std::uint32_t index) {
    const std::array<Id, 4> places{zero_, w_.one, two_, three_};
    const Id at = value(Op::OpAccessChain, to_push_, {push_, places[index]});
    return value(Op::OpLoad, w_.u32, {at});
  }
  Id at(Id row, Id stride, Id column) {
    const Id begin = value(Op::OpIMul, w_.u32, {row, stride});
    return value(Op::OpIAdd, w_.u32, {begin, column});
  }
  Id load(Id type, std::size_t buffer, Id pointer, Id place, Id stride, Id layout) {
    const Id from = value(Op::OpAccessChain, pointer, {buffers_[buffer], zero_, place});
    return value(kCooperativeMatrixLoad, type, {from, layout, stride});
  }

  bool holds(auto&& test) const { return test(k_.left) || test(k_.right) || test(k_.sum); }

  void preamble() {
    const auto declare = [&](spv::Capability capability) {
      w_.add(Op::OpCapability, {static_cast<std::uint32_t>(capability)});
    };
    declare(spv::Capability::VulkanMemoryModel);
    declare(kCooperativeMatrixCapability);
    if (holds([](const Component& c) { return c.is_float && c.width == 16; }))
      declare(spv::Capability::Float16);
    if (holds([](const Component& c) { return c.is_float && c.width == 64; }))
      declare(spv::Capability::Float64);
    for (const auto& [width, capability] : {std::pair{8u, spv::Capability::Int8},
                                            {16u, spv::Capability::Int16},
                                            {64u, spv::Capability::Int64}})
      if (holds([&](const Component& c) { return !c.is_float && c.width == width; }))
        declare(capability);
    if (holds([](const Component& c) { return c.width == 16; }))
      declare(spv::Capability::StorageBuffer16BitAccess);
    if (holds([](const Component& c) { return c.width == 8; }))
      declare(spv::Capability::StorageBuffer8BitAccess);
    for (const char* name :
         {"SPV_KHR_vulkan_memory_model", "SPV_KHR_cooperative_matrix", "SPV_KHR_8bit_storage"})
      add_text(w_, Op::OpExtension, {}, name);
    w_.add(Op::OpMemoryModel, {0, static_cast<std::uint32_t>(spv::MemoryModel::Vulkan)});
    w_.main = w_.id();
    group_id_ = w_.id();
    add_text(w_, Op::OpEntryPoint, {5, w_.main}, "main", {group_id_});
    w_.add(Op::OpExecutionMode, {w_.main, static_cast<std::uint32_t>(spv::ExecutionMode::LocalSize),
                                 k_.local_size, 1, 1});
  }

  void decorate(Id id, spv::Decoration decoration, const std::vector<std::uint32_t>& more = {}) {
    w_.add(Op::OpDecorate, {id, static_cast<std::uint32_t>(decoration)}, more);
  }
  void decorate_member(Id id, std::uint32_t member, std::uint32_t offset) {
    w_.add(Op::OpMemberDecorate,
           {id, member, static_cast<std::uint32_t>(spv::Decoration::Offset), offset});
  }

  void annotate() {
    decorate(group_id_, spv::Decoration::BuiltIn,
             {static_cast<std::uint32_t>(spv::BuiltIn::WorkgroupId)});
    for (std::uint32_t i = 0; i < buffers_.size(); ++i) {
      arrays_[i] = w_.id(), blocks_[i] = w_.id(), buffers_[i] = w_.id();
      decorate(arrays_[i], spv::Decoration::ArrayStride, {held_in(i).width / 8});
      decorate(blocks_[i], spv::Decoration::Block);
      decorate_member(blocks_[i], 0, 0);
      decorate(buffers_[i], spv::Decoration::DescriptorSet, {0});
      decorate(buffers_[i], spv::Decoration::Binding, {i});
    }
    push_block_ = w_.id();
    decorate(push_block_, spv::Decoration::Block);
    for (std::uint32_t i = 0; i < 4; ++i) decorate_member(push_block_, i, 4 * i);
    for (Id* size : {&m_, &n_, &kk_}) *size = w_.id();
    for (std::uint32_t i = 0; k_.is_specialized && i < 3; ++i)
      decorate(std::array{m_, n_, kk_}[i], spv::Decoration::SpecId, {i});
    if (k_.size == MatrixKernel::Size::kMode) return;
    size_ = w_.id(), decides_ = w_.id();
    decorate(size_, spv::Decoration::BuiltIn,
             {static_cast<std::uint32_t>(spv::BuiltIn::WorkgroupSize)});
    decorate(decides_, spv::Decoration::SpecId, {3});
  }

  const Component& held_in(std::size_t buffer) const {
    return buffer == 0 ? k_.left : buffer == 1 ? k_.right : k_.sum;
  }

  // Each type once: types of numbers, and pointers to them, may not be declared twice.
  Id number(const Component& component) {
    for (const auto& [known, id] : numbers_)
      if (known == component) return id;
    const Id id = component == Component{false, 32, false} ? w_.u32
                  : component.is_float
                      ? w_.make(Op::OpTypeFloat, {component.width})
                      : w_.make(Op::OpTypeInt, {component.width, component.is_signed ? 1u : 0u});
    numbers_.emplace_back(component, id);
    return id;
  }
  Id pointer_to(const Component& component) {
    for (const auto& [known, id] : pointers_)
      if (known == component) return id;
    const Id id = pointer(spv::StorageClass::StorageBuffer, number(component));
    pointers_.emplace_back(component, id);
    return id;
  }
  Id pointer(spv::StorageClass storage, Id to) {
    return w_.make(Op::OpTypePointer, {static_cast<std::uint32_t>(storage), to});
  }
  void variable(Id id, Id type, spv::StorageClass storage) {
    w_.add(Op::OpVariable, {type, id, static_cast<std::uint32_t>(storage)});
  }

  void declare_size() {
    const auto computed = [&](Id type, Id id, Op op, const std::vector<Id>& args) {
      w_.add(Op::OpSpecConstantOp, {type, id, static_cast<std::uint32_t>(op)}, args);
    };
    if (k_.size == MatrixKernel::Size::kExpression) {
      const Id product = w_.id();
      w_.add(Op::OpSpecConstant, {w_.u32, decides_, k_.local_size});
      computed(w_.u32, product, Op::OpIMul, {decides_, w_.one});
      w_.add(Op::OpSpecConstantComposite, {v3_, size_, product, w_.one, w_.one});
    } else if (k_.size == MatrixKernel::Size::kChosen) {
      const auto vector = [&](std::uint32_t x) {
        return value(Op::OpConstantComposite, v3_, {constant(x), w_.one, w_.one});
      };
      const Id one = vector(k_.local_size), other = vector(4 * k_.local_size);
      w_.add(Op::OpSpecConstantTrue, {w_.bool_type, decides_});
      computed(v3_, size_, Op::OpSelect, {decides_, one, other});
    }
  }

  void declare() {
    w_.declare();
    zero_ = constant(0), two_ = constant(2), three_ = constant(3);
    v3_ = w_.make(Op::OpTypeVector, {w_.u32, 3});
    declare_size();
    variable(group_id_, pointer(spv::StorageClass::Input, v3_), spv::StorageClass::Input);
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      w_.add(Op::OpTypeRuntimeArray, {arrays_[i], number(held_in(i))});
      w_.add(Op::OpTypeStruct, {blocks_[i], arrays_[i]});
      variable(buffers_[i], pointer(spv::StorageClass::StorageBuffer, blocks_[i]),
               spv::StorageClass::StorageBuffer);
    }
    to_sum_ = pointer_to(k_.sum);
    w_.add(Op::OpTypeStruct, {push_block_, w_.u32, w_.u32, w_.u32, w_.u32});
    push_ = w_.id();
    variable(push_, pointer(spv::StorageClass::PushConstant, push_block_),
             spv::StorageClass::PushConstant);
    to_push_ = pointer(spv::StorageClass::PushConstant, w_.u32);
    const std::array sizes{std::pair{m_, k_.m}, std::pair{n_, k_.n}, std::pair{kk_, k_.k}};
    for (const auto& [id, size] : sizes)
      w_.add(k_.is_specialized ? Op::OpSpecConstant : Op::OpConstant, {w_.u32, id, size});
    const Id scope = constant(k_.scope);
    row_major_ = constant(kRowMajorMatrix);
    right_layout_ = constant(k_.right_is_column_major ? kColumnMajorMatrix : kRowMajorMatrix);
    const auto matrix = [&](const Component& held, Id rows, Id columns, Id use) {
      return w_.make(kTypeCooperativeMatrix, {number(held), scope, rows, columns, use});
    };
    left_matrix_ = matrix(k_.left, m_, kk_, zero_);
    right_matrix_ = matrix(k_.right, kk_, n_, w_.one);
    sum_matrix_ = matrix(k_.sum, m_, n_, two_);
    // Module scope: a kernel's own variables stand in its first block.
    sum_variable_ = w_.id();
    variable(sum_variable_, pointer(spv::StorageClass::Private, sum_matrix_),
             spv::StorageClass::Private);
    count_ = w_.id();
    variable(count_, pointer(spv::StorageClass::Private, w_.u32), spv::StorageClass::Private);
    to_component_ = pointer(spv::StorageClass::Private, number(k_.sum));
    to_left_ = pointer_to(k_.left);
    to_right_ = pointer_to(k_.right);
    if (!k_.is_elementwise) return;
    const auto real = [&](std::uint32_t bits) {
      return value(Op::OpConstant, number(k_.sum), {bits});
    };
    one_ = real(0x3F800000), three_halves_ = real(0x3FC00000), double_ = real(0x40000000);
  }

  // for (i = 0; i < most; ++i) body(i)
  template <class Body>
  void loop(Id most, Body&& body) {
    const Id header = w_.id(), test = w_.id(), inside = w_.id(), next = w_.id(), merge = w_.id();
    w_.add(Op::OpStore, {count_, zero_});
    w_.branch(header);
    w_.label(header);
    w_.add(Op::OpLoopMerge, {merge, next, 0});
    w_.branch(test);
    w_.label(test);
    const Id i = value(Op::OpLoad, w_.u32, {count_});
    const Id goes_on = value(Op::OpULessThan, w_.bool_type, {i, most});
    w_.add(Op::OpBranchConditional, {goes_on, inside, merge});
    w_.label(inside);
    body(i);
    w_.branch(next);
    w_.label(next);
    w_.add(Op::OpStore, {count_, value(Op::OpIAdd, w_.u32, {i, w_.one})});
    w_.branch(header);
    w_.label(merge);
  }

  void by_tiles(Id row, Id column) {
    const Id left_stride = pushed(1), right_stride = pushed(2);
    loop(pushed(0), [&](Id i) {
      const Id depth = value(Op::OpIMul, w_.u32, {i, kk_});
      const Id left =
          load(left_matrix_, 0, to_left_, at(row, left_stride, depth), left_stride, row_major_);
      const Id place = k_.right_is_column_major ? at(column, right_stride, depth)
                                                : at(depth, right_stride, column);
      const Id right = load(right_matrix_, 1, to_right_, place, right_stride, right_layout_);
      const Id before = value(Op::OpLoad, sum_matrix_, {sum_variable_});
      std::vector<Id> args{left, right, before};
      if (k_.operands != 0) args.push_back(k_.operands);
      w_.add(Op::OpStore, {sum_variable_, value(kCooperativeMatrixMulAdd, sum_matrix_, args)});
    });
  }

  void by_elements() {
    const Id x = value(Op::OpLoad, sum_matrix_, {sum_variable_});
    const Id twice = value(Op::OpFAdd, sum_matrix_, {x, x});
    const Id thrice = value(Op::OpMatrixTimesScalar, sum_matrix_, {twice, three_halves_});
    const Id minus = value(Op::OpFNegate, sum_matrix_, {x});
    const Id four = value(Op::OpFSub, sum_matrix_, {thrice, minus});
    const Id ones = value(Op::OpCompositeConstruct, sum_matrix_, {one_});
    const Id more = value(Op::OpFAdd, sum_matrix_, {four, ones});
    const Id first = value(Op::OpCompositeExtract, number(k_.sum), {more, 0});
    const Id again = value(Op::OpCompositeInsert, sum_matrix_, {first, more, 0});
    w_.add(Op::OpStore, {sum_variable_, again});
    loop(value(kCooperativeMatrixLength, w_.u32, {sum_matrix_}), [&](Id i) {
      const Id at = value(Op::OpAccessChain, to_component_, {sum_variable_, i});
      const Id part = value(Op::OpLoad, number(k_.sum), {at});
      w_.add(Op::OpStore, {at, value(Op::OpFMul, number(k_.sum), {part, double_})});
    });
  }

  const MatrixKernel& k_;
  Words w_;
  Id group_id_ = 0, push_ = 0, push_block_ = 0, to_push_ = 0, v3_ = 0;
  Id zero_ = 0, two_ = 0, three_ = 0, one_ = 0, three_halves_ = 0, double_ = 0;
  Id m_ = 0, n_ = 0, kk_ = 0, row_major_ = 0, right_layout_ = 0;
  Id left_matrix_ = 0, right_matrix_ = 0, sum_matrix_ = 0, sum_variable_ = 0, count_ = 0;
  Id size_ = 0, decides_ = 0;
  Id to_left_ = 0, to_right_ = 0, to_sum_ = 0, to_component_ = 0;
  std::array<Id, 4> arrays_{}, blocks_{}, buffers_{};
  std::vector<std::pair<Component, Id>> numbers_, pointers_;
};

inline std::vector<std::uint8_t> MatrixKernel::bytes() const {
  return MatrixWriter(*this).run();
}

// Of each row of three f32 a, b and c in 0.0, four results in 0.1: a * b + c, (a + b) - a, a * 0
// and
// -(a - b). One workgroup for a row.
struct FastMathKernel {
  std::optional<std::uint32_t> by_default;  // FPFastMathDefault of f32
  std::optional<std::uint32_t> decorated;   // FPFastMathMode of every result

  static constexpr std::uint32_t kIn = 3, kOut = 4;
  std::vector<std::uint8_t> bytes() const;
};

class FastMathWriter {
 public:
  explicit FastMathWriter(const FastMathKernel& kernel) : k_(kernel) {}

  std::vector<std::uint8_t> run() {
    w_.add(Op::OpCapability, {static_cast<std::uint32_t>(kFloatControls2Capability)});
    add_text(w_, Op::OpExtension, {}, "SPV_KHR_float_controls2");
    w_.model();
    w_.main = w_.id();
    group_id_ = w_.id(), f32_ = w_.id(), mode_ = w_.id(), array_ = w_.id(), block_ = w_.id();
    for (Id* id : {&in_, &out_}) *id = w_.id();
    add_text(w_, Op::OpEntryPoint, {5, w_.main}, "main", {group_id_});
    w_.add(Op::OpExecutionMode,
           {w_.main, static_cast<std::uint32_t>(spv::ExecutionMode::LocalSize), 1, 1, 1});
    if (k_.by_default)
      w_.add(Op::OpExecutionModeId,
             {w_.main, static_cast<std::uint32_t>(kFPFastMathDefault), f32_, mode_});
    for (Id& id : results_) id = w_.id();
    annotate();
    declare();
    w_.begin(w_.main);
    body();
    w_.end();
    return w_.bytes();
  }

 private:
  using Id = std::uint32_t;

  void decorate(Id id, spv::Decoration decoration, const std::vector<std::uint32_t>& more = {}) {
    w_.add(Op::OpDecorate, {id, static_cast<std::uint32_t>(decoration)}, more);
  }

  void annotate() {
    decorate(group_id_, spv::Decoration::BuiltIn,
             {static_cast<std::uint32_t>(spv::BuiltIn::WorkgroupId)});
    decorate(array_, spv::Decoration::ArrayStride, {4});
    decorate(block_, spv::Decoration::Block);
    w_.add(Op::OpMemberDecorate,
           {block_, 0, static_cast<std::uint32_t>(spv::Decoration::Offset), 0});
    for (const Id buffer : {in_, out_}) {
      decorate(buffer, spv::Decoration::DescriptorSet, {0});
      decorate(buffer, spv::Decoration::Binding, {buffer == in_ ? 0u : 1u});
    }
    for (const Id id : results_)
      if (k_.decorated) decorate(id, spv::Decoration::FPFastMathMode, {*k_.decorated});
  }

  Id pointer(spv::StorageClass storage, Id to) {
    return w_.make(Op::OpTypePointer, {static_cast<std::uint32_t>(storage), to});
  }

  void declare() {
    w_.declare();
    w_.add(Op::OpTypeFloat, {f32_, 32});
    w_.add(Op::OpConstant, {w_.u32, mode_, k_.by_default.value_or(0)});
    zero_ = w_.value(Op::OpConstant, w_.u32, {0});
    for (Id& number : numbers_)
      number =
          w_.value(Op::OpConstant, w_.u32, {static_cast<std::uint32_t>(&number - numbers_.data())});
    nothing_ = w_.value(Op::OpConstant, f32_, {0});
    v3_ = w_.make(Op::OpTypeVector, {w_.u32, 3});
    w_.add(Op::OpVariable, {pointer(spv::StorageClass::Input, v3_), group_id_,
                            static_cast<std::uint32_t>(spv::StorageClass::Input)});
    w_.add(Op::OpTypeRuntimeArray, {array_, f32_});
    w_.add(Op::OpTypeStruct, {block_, array_});
    const Id to_block = pointer(spv::StorageClass::StorageBuffer, block_);
    for (const Id buffer : {in_, out_})
      w_.add(Op::OpVariable,
             {to_block, buffer, static_cast<std::uint32_t>(spv::StorageClass::StorageBuffer)});
    to_f32_ = pointer(spv::StorageClass::StorageBuffer, f32_);
  }

  Id place(Id buffer, Id row, std::uint32_t width, std::uint32_t index) {
    const Id begin = w_.value(Op::OpIMul, w_.u32, {row, numbers_[width]});
    const Id at = w_.value(Op::OpIAdd, w_.u32, {begin, numbers_[index]});
    return w_.value(Op::OpAccessChain, to_f32_, {buffer, zero_, at});
  }

  void body() {
    const Id group = w_.value(Op::OpLoad, v3_, {group_id_});
    const Id row = w_.value(Op::OpCompositeExtract, w_.u32, {group, 0});
    std::array<Id, FastMathKernel::kIn> in{};
    for (std::uint32_t i = 0; i < in.size(); ++i)
      in[i] = w_.value(Op::OpLoad, f32_, {place(in_, row, FastMathKernel::kIn, i)});
    std::size_t next = 0;
    const auto make = [&](Op op, const std::vector<Id>& args) {
      w_.add(op, {f32_, results_[next]}, args);
      return results_[next++];
    };
    const auto [a, b, c] = in;
    const Id product = make(Op::OpFMul, {a, b});
    const Id sum = make(Op::OpFAdd, {a, b});
    const Id difference = make(Op::OpFSub, {a, b});
    const std::array<Id, FastMathKernel::kOut> out{
        make(Op::OpFAdd, {product, c}), make(Op::OpFSub, {sum, a}), make(Op::OpFMul, {a, nothing_}),
        make(Op::OpFNegate, {difference})};
    for (std::uint32_t i = 0; i < out.size(); ++i)
      w_.add(Op::OpStore, {place(out_, row, FastMathKernel::kOut, i), out[i]});
  }

  const FastMathKernel& k_;
  Words w_;
  Id group_id_ = 0, f32_ = 0, mode_ = 0, array_ = 0, block_ = 0, in_ = 0, out_ = 0;
  Id zero_ = 0, nothing_ = 0, v3_ = 0, to_f32_ = 0;
  std::array<Id, 5> numbers_{};
  std::array<Id, 7> results_{};
};

inline std::vector<std::uint8_t> FastMathKernel::bytes() const {
  return FastMathWriter(*this).run();
}

}  // namespace sokr::spirv::test

#endif  // SOKR_TESTS_IR_NEWER_KERNELS_HPP_
