// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Modules word by word, for shapes that are too large for text.
#ifndef SOKR_TESTS_IR_WORDS_HPP_
#define SOKR_TESTS_IR_WORDS_HPP_

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <spirv/unified1/spirv.hpp11>
#include <vector>

namespace sokr::spirv {

class Words {
 public:
  using Word = std::uint32_t;

  Words() { add(spv::Op::OpCapability, {1}); }

  Word id() { return bound_++; }

  void add(spv::Op op, std::initializer_list<Word> args, const std::vector<Word>& more = {}) {
    words_.push_back(static_cast<Word>(1 + args.size() + more.size()) << 16 |
                     static_cast<Word>(op));
    words_.insert(words_.end(), args.begin(), args.end());
    words_.insert(words_.end(), more.begin(), more.end());
  }
  // An instruction with a result and no type, or with both.
  Word make(spv::Op op, const std::vector<Word>& args = {}) {
    const Word result = id();
    add(op, {result}, args);
    return result;
  }
  Word value(spv::Op op, Word type, const std::vector<Word>& args = {}) {
    const Word result = id();
    add(op, {type, result}, args);
    return result;
  }

  // "main" and what every module here has; `entries` as many entry points as that.
  void model() { add(spv::Op::OpMemoryModel, {0, 1}); }
  void start() {
    model();
    main = id();
    add(spv::Op::OpEntryPoint, {5, main, 0x6E69616D, 0});
    add(spv::Op::OpExecutionMode, {main, 17, 1, 1, 1});
    declare();
  }
  void declare() {
    void_type = make(spv::Op::OpTypeVoid);
    void_fn = make(spv::Op::OpTypeFunction, {void_type});
    bool_type = make(spv::Op::OpTypeBool);
    u32 = make(spv::Op::OpTypeInt, {32, 0});
    is_true = value(spv::Op::OpConstantTrue, bool_type);
    one = value(spv::Op::OpConstant, u32, {1});
  }
  void begin(Word function) {
    add(spv::Op::OpFunction, {void_type, function, 0, void_fn});
    make(spv::Op::OpLabel);
  }
  void label(Word block) { add(spv::Op::OpLabel, {block}); }
  void branch(Word block) { add(spv::Op::OpBranch, {block}); }
  void end() {
    add(spv::Op::OpReturn, {});
    add(spv::Op::OpFunctionEnd, {});
  }

  std::vector<std::uint8_t> bytes() const {
    const std::vector<Word> header = {spv::MagicNumber, 0x00010300, 0, bound_, 0};
    std::vector<std::uint8_t> result(4 * (header.size() + words_.size()));
    std::memcpy(result.data(), header.data(), 4 * header.size());
    std::memcpy(result.data() + 4 * header.size(), words_.data(), 4 * words_.size());
    return result;
  }

  Word main = 0, void_type = 0, void_fn = 0, bool_type = 0, u32 = 0, is_true = 0, one = 0;

 private:
  std::vector<Word> words_;
  Word bound_ = 1;
};

}  // namespace sokr::spirv

#endif  // SOKR_TESTS_IR_WORDS_HPP_
