// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The algebra of shapes: what may be said where ways meet and where lanes part.
#include "compiler/analysis/shape.hpp"

#include <gtest/gtest.h>

namespace sokr::cpu {
namespace {

const Shape kUniform = Shape::uniform(), kByChunk = Shape::by_chunk(0),
            kStep = Shape::linear(4, 64, 16), kVarying = Shape::varying(),
            kOneVector = Shape::varying(false);

TEST(Shape, SaysHowAValueVaries) {
  EXPECT_TRUE(kUniform.is_uniform());
  EXPECT_FALSE(kByChunk.is_uniform());
  EXPECT_EQ(divergence_of(kByChunk), (Divergence{false, true}));
  EXPECT_EQ(divergence_of(kStep), (Divergence{true, true}));
  EXPECT_EQ(divergence_of(Shape::linear(0, 1, 1)), (Divergence{false, true}));
  EXPECT_EQ(divergence_of(kOneVector), (Divergence{true, false}));
  EXPECT_EQ(divergence_of(Shape{}), Divergence{}) << "nothing reached it yet";
}

TEST(Shape, OfADivergenceVariesAsMuch) {
  for (const Divergence d : {Divergence{false, false}, Divergence{true, false},
                             Divergence{false, true}, Divergence{true, true}})
    EXPECT_EQ(divergence_of(shape_of(d)), d);
}

TEST(Shape, JoinKeepsWhatBothAre) {
  EXPECT_EQ(join(kStep, kStep), kStep);
  EXPECT_EQ(join(Shape{}, kStep), kStep);
  EXPECT_EQ(join(kStep, Shape{}), kStep);
  EXPECT_EQ(join(Shape::uniform(16), Shape::uniform(4)).align, 4u);
  EXPECT_TRUE(join(kUniform, kUniform).is_uniform()) << "all come the same way";
}

TEST(Shape, JoinGivesUpWhatDiffers) {
  EXPECT_FALSE(join(kStep, Shape::linear(8, 64, 16)).affine) << "steps of lanes";
  EXPECT_EQ(join(kStep, Shape::linear(4, 32, 16)), Shape::by_chunk(4, 16)) << "steps of chunks";
  EXPECT_FALSE(join(kStep, kVarying).affine);
  EXPECT_EQ(join(kUniform, kByChunk), kByChunk);
  const Table first{1, 2}, second{2, 1};
  const Shape a = Shape::by_table(&first, true, 4), b = Shape::by_table(&second, true, 4);
  EXPECT_EQ(join(a, a).table, &first);
  EXPECT_EQ(join(a, b).table, nullptr);
  EXPECT_FALSE(join(a, b).affine);
}

TEST(Shape, JoinOfWhatDiffersOnlyByChunkStaysOneScalarForEach) {
  EXPECT_TRUE(join(kByChunk, Shape::linear(0, 1, 1)).affine);
  EXPECT_EQ(divergence_of(join(kByChunk, Shape::linear(0, 1, 1))), (Divergence{false, true}));
}

TEST(Shape, BlendingUnderAMaskVariesAsTheMaskDoes) {
  EXPECT_EQ(widen(kStep, {}), kStep) << "nobody parts";
  EXPECT_FALSE(widen(kUniform, {true, false}).affine);
  EXPECT_FALSE(widen(kUniform, {true, false}).chunk);
  EXPECT_TRUE(widen(kUniform, {true, true}).chunk);
  EXPECT_EQ(widen(kUniform, {false, true}), kByChunk);
  EXPECT_EQ(widen(kStep, {false, true}), Shape::by_chunk(4)) << "each chunk has its own base";
  EXPECT_TRUE(widen(kOneVector, {false, true}).chunk);
  EXPECT_EQ(widen(Shape{}, {true, true}), Shape{});
}

TEST(Shape, EqualTablesAreOneObject) {
  Tables tables;
  const Table* one = tables.find({1, 2, 3});
  EXPECT_EQ(one, tables.find({1, 2, 3}));
  EXPECT_NE(one, tables.find({1, 2, 4}));
}

}  // namespace
}  // namespace sokr::cpu
