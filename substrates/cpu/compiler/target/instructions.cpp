// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/target/instructions.hpp"

#include <llvm/IR/IntrinsicsX86.h>

namespace sokr::cpu {
namespace {

using llvm::Intrinsic::ID;

unsigned lanes_of(const llvm::Value* vector) {
  return llvm::cast<llvm::FixedVectorType>(vector->getType())->getNumElements();
}

// One of a kind for registers of 128, 256 and 512 bits.
struct BySize {
  ID of128, of256, of512;

  ID of(std::size_t bits) const { return bits == 512 ? of512 : bits == 256 ? of256 : of128; }
};

constexpr BySize kByteDot{llvm::Intrinsic::x86_avx512_vpdpbusd_128,
                          llvm::Intrinsic::x86_avx512_vpdpbusd_256,
                          llvm::Intrinsic::x86_avx512_vpdpbusd_512};
constexpr BySize kPairProducts{llvm::Intrinsic::x86_sse2_pmadd_wd,
                               llvm::Intrinsic::x86_avx2_pmadd_wd,
                               llvm::Intrinsic::x86_avx512_pmaddw_d_512};

}  // namespace

llvm::Value* permuted_words(llvm::IRBuilderBase& b, llvm::Value* words, llvm::Value* numbers) {
  return b.CreateIntrinsic(lanes_of(words) == 16 ? llvm::Intrinsic::x86_avx512_permvar_si_512
                                                 : llvm::Intrinsic::x86_avx2_permd,
                           {}, {words, numbers});
}

llvm::Value* byte_dot(llvm::IRBuilderBase& b, llvm::Value* sum, llvm::Value* u, llvm::Value* s) {
  // Bytes as words, or from LLVM 22 on as bytes.
  const ID id = kByteDot.of(32 * lanes_of(sum));
  const llvm::FunctionType* type = llvm::Intrinsic::getType(b.getContext(), id);
  return b.CreateIntrinsic(
      id, {},
      {sum, b.CreateBitCast(u, type->getParamType(1)), b.CreateBitCast(s, type->getParamType(2))});
}

bool is_byte_dot(ID id) {
  return id == kByteDot.of128 || id == kByteDot.of256 || id == kByteDot.of512;
}

llvm::Value* pair_products(llvm::IRBuilderBase& b, llvm::Value* x, llvm::Value* y) {
  return b.CreateIntrinsic(kPairProducts.of(16 * lanes_of(x)), {}, {x, y});
}

llvm::Value* times_power_of_two(llvm::IRBuilderBase& b, llvm::Value* x, llvm::Value* n) {
  constexpr std::uint64_t kAll = 0xffff, kCurrentRounding = 4;
  return b.CreateIntrinsic(llvm::Intrinsic::x86_avx512_mask_scalef_ps_512, {},
                           {x, n, x, b.getInt16(kAll), b.getInt32(kCurrentRounding)});
}

void set_float_control(llvm::IRBuilderBase& b, FloatControl control, bool toward_zero, bool flush) {
  switch (control) {
    case FloatControl::kFpcr:
      // Numbers as those of llvm.set.rounding: 0 toward zero, 1 to nearest even.
      b.CreateIntrinsic(llvm::Intrinsic::set_rounding, {}, {b.getInt32(toward_zero ? 0 : 1)});
      return;
    case FloatControl::kMxcsr: {
      const std::uint32_t mxcsr = 0x1f80u | (flush ? 0x8040u : 0u) | (toward_zero ? 0x6000u : 0u);
      llvm::Value* place = b.CreateAlloca(b.getInt32Ty());
      b.CreateStore(b.getInt32(mxcsr), place);
      b.CreateIntrinsic(llvm::Intrinsic::x86_sse_ldmxcsr, {}, {place});
      return;
    }
  }
}

}  // namespace sokr::cpu
