// What ops with matrix products are put together from: factors laid out as the loops want them, and the stages that do so and
// multiply.

#pragma once

#include <vector>

#include "memory.h"
#include "product_loops.h"
#include "stages.h"

namespace verlet {

// A matrix whose rows are a product's, as elements along its sum. Its stage refers to it.
class Left {
 public:
  Left(const ProductLoops *loops, const Source &from, int64_t rows, int64_t depth);

  Stage Lay() const;
  // Lays some rows out.
  void Lay(int64_t first, int64_t rows) const;

  // The elements of the rows from `row` on; a panel of a right matrix is to be added.
  Terms Row(int64_t row) const;

  // The matrix from `row` on, as it lies there, for sums over its rows.
  Source Across(int64_t row) const;

 private:
  // Rows of float32 can stay where they are.
  bool lies() const { return loops_->each == 1 && !from_.across && !from_.halves; }

  const ProductLoops *loops_;
  Source from_;
  int64_t rows_, depth_, elements_, stride_;
  Memory memory_;
};

// A matrix whose columns are a product's, in panels. Its stages refer to it.
class Right {
 public:
  Right(const ProductLoops *loops, const Source &from, int64_t depth, int64_t columns);

  Stage Lay() const;
  const float *Panel(int64_t panel) const { return memory_.get() + panel * elements_ * kColumns; }

 private:
  const ProductLoops *loops_;
  Source from_;
  int64_t depth_, columns_, elements_;
  Memory memory_;
};

// One product of a sum.
struct Pair {
  const Left *left;
  const Right *right;
};

struct Target {
  const float *before;  // null, y's own memory or another
  float *data;
  int64_t rows, columns;
};

// y = [before +] Σ left · right.
Stage Multiply(const ProductLoops *loops, std::vector<Pair> pairs, Target y);

// Rows and panels of a product.
struct Block {
  int64_t row, rows, first, last;
};

inline int64_t Panels(int64_t columns) { return (columns + kColumns - 1) / kColumns; }

// A block of y = [before +] Σ left · right, by this thread alone; y and before begin with the block, their rows `stride` apart.
// @param columns of the whole product
void MultiplyBlock(const ProductLoops *loops, const std::vector<Pair> &pairs, const Block &block, int64_t columns, const float *before, float *y, int64_t stride);

// sum [r, columns] = leftᵀ · right, with `rows` rows in both, of which the left ones [rows, r] are few numbers: the right ones
// are laid out a part at a time, in memory of this thread's own.
void MultiplyTurned(const ProductLoops *loops, const float *left, int64_t r, Source right, int64_t columns, int64_t rows, float *sum);

// Stages that do not need each other, as one.
Stage Together(std::vector<Stage> stages);

}  // namespace verlet
