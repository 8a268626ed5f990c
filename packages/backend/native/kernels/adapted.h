// What layers with low-rank adapters are computed from: y = x·Wᵀ + scale · (x·Aᵀ)·Bᵀ.

#pragma once

#include <algorithm>
#include <vector>

#include "op.h"
#include "product_parts.h"

namespace verlet {

// The flags of every op with adapters, in the order of their definitions.
enum AdaptedFlags { kRounded, kHalves };

const ProductLoops *LoopsFor(Call &call, const Attributes &attributes);

// A layer's weights: W [M, K] (its pairs of bfloat16 [M, K / 2]), A [r, K] and B [M, r].
struct Layer {
  Layer(Call &call, int weight_at, int a_at, int b_at, int64_t depth, const Attributes &attributes);

  Source Weight(bool across) const { return {weight.data, halves, depth, across}; }
  Source A(bool across) const { return {a.data, false, depth, across}; }
  Source ScaledB(bool across) const { return {scaled.get(), false, rank, across}; }

  Numbers weight, a, b;
  bool halves;
  Memory scaled;  // scale · B
  int64_t depth, columns = 0, rank = 0;
};

// Rows that are taken through several small products one after the other, so that they come from memory once.
constexpr int64_t kBlockRows = 128;

// Rows of a block where sums over rows are kept apart for each block: there are few blocks.
int64_t RowsInBlock(int64_t rows);
inline int64_t RowBlocks(int64_t rows) { return (rows + RowsInBlock(rows) - 1) / RowsInBlock(rows); }

// work(first row, rows, block) for all rows, a block at a time.
template <typename Work>
Stage ForRows(int64_t rows, const Work &work) {
  const int64_t each = RowsInBlock(rows);
  return {RowBlocks(rows), [=](int64_t block) { work(block * each, std::min(each, rows - block * each), block); }};
}

// A layer's forward pass. Its stages refer to it.
class LayerPass {
 public:
  // @param u [rows, r], where x·Aᵀ is written
  LayerPass(const ProductLoops *loops, const Layer &layer, const Left &input, float *u, int64_t rows);

  Stage LayPanels() const;
  // u of some rows whose input is laid out.
  void Narrow(int64_t first, int64_t some) const;
  // What y is the sum of.
  std::vector<Pair> Pairs() const { return {{&input_, &weight_}, {&low_, &b_}}; }

 private:
  const ProductLoops *loops_;
  const Left &input_;
  float *u_;
  int64_t rank_;
  Left low_;
  Right weight_, a_, b_;
};

// Sums [r, columns] of each block of rows.
class Sums {
 public:
  Sums(int64_t blocks, int64_t rank, int64_t columns) : blocks_(blocks), rank_(rank), columns_(columns), memory_(Allocate(blocks * rank * columns)) {}

  float *Block(int64_t block) const { return memory_.get() + block * rank_ * columns_; }
  // The sum of all, [r, columns].
  void Total(float *to) const;
  // scale · the sum of all, [columns, r].
  void TurnedTotal(float scale, float *to) const;

 private:
  float At(int64_t i) const;

  int64_t blocks_, rank_, columns_;
  Memory memory_;
};

// A layer's backward pass: with du = scale · dy·B, dx = dy·W + du·A, dA = duᵀ·x and dB = scale · dyᵀ·u. Its stages refer to it.
class LayerGrad {
 public:
  // @param slope dy, [rows, M]
  LayerGrad(const ProductLoops *loops, const Layer &layer, const Left &slope, const float *u, int64_t rows, bool of_input);

  Stage LayPanels() const;
  // du of some rows whose dy is laid out, and their part of dB.
  void Narrow(int64_t first, int64_t some, int64_t block) const;
  // Their part of dA, once their input is laid out.
  void TakeInput(const Left &input, int64_t first, int64_t some, int64_t block) const;
  // What dx is the sum of.
  std::vector<Pair> Pairs() const { return {{&slope_, &weight_}, {&low_, &a_}}; }
  // @param da [r, K] @param db [M, r]
  Stage Totals(float scale, float *da, float *db) const;

 private:
  const ProductLoops *loops_;
  const Left &slope_;
  const float *u_;
  int64_t columns_, rank_, depth_;
  bool of_input_;
  Memory du_;
  Left low_;
  Right weight_, a_, b_;
  Sums of_a_, of_b_;
};

}  // namespace verlet
