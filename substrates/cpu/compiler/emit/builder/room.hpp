// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What every part of emission has at hand.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_ROOM_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_ROOM_HPP_

#include "compiler/emit/builder/vector_builder.hpp"

namespace sokr::cpu {

class Room {
 protected:
  explicit Room(VectorBuilder& builder)
      : b_(builder),
        at_(builder.at),
        m_(builder.module),
        cx_(builder.context),
        p_(builder.program),
        a_(builder.analysis),
        g_(builder.geometry),
        o_(builder.options),
        t_(builder.target),
        bound_(builder.bound) {}

  VectorBuilder& b_;
  Cursor& at_;
  llvm::Module& m_;
  llvm::LLVMContext& cx_;
  const Program& p_;
  const Analysis& a_;
  const Geometry& g_;
  const CompileOptions& o_;
  const TargetTraits& t_;
  const Id bound_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_ROOM_HPP_
