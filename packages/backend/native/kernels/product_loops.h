// What products of matrices are made of, for the processor that this runs on. Both factors are laid out anew first: the left
// one's rows as elements along the sum, the right one's columns in panels. An element is a float32, or a pair of bfloat16
// that stand next to each other in the sum.

#pragma once

#include <cstdint>

namespace verlet {

constexpr int64_t kColumns = 32;  // of a panel

// A matrix of float32, or of bfloat16, as it lies in memory.
struct Source {
  const void *numbers = nullptr;
  bool halves = false;
  // Numbers from one row of memory to the next.
  int64_t stride = 0;
  // True where the sum runs from row to row of memory, not along the rows.
  bool across = false;
};

// A part of a sum: rows of elements `stride` apart, and a panel [depth, 32].
struct Terms {
  const float *rows = nullptr;
  int64_t stride = 0;
  const float *panel = nullptr;
  int64_t depth = 0;
};

struct ProductLoops {
  // Numbers in an element.
  int64_t each;
  // `rows` rows from `first` on, `depth` numbers of each; the last element is filled up with 0.
  void (*lay_rows)(const Source &from, int64_t first, int64_t rows, int64_t depth, float *to, int64_t stride);
  // Up to 32 columns from `first` on, `depth` numbers of each; to [elements, 32].
  void (*lay_panel)(const Source &from, int64_t first, int64_t columns, int64_t depth, float *to);
  // y = Σ rows · panel of `count` parts, added to `before` where that is there; both [rows, columns] with rows `stride` apart.
  void (*multiply)(const Terms *parts, int64_t count, int64_t rows, int64_t columns, const float *before, float *y, int64_t stride);
};

extern const ProductLoops *const float_products;
// Whether these are as fast as TensorFlow's: with AVX-512.
extern const bool fast_products;
// Null where the processor has no products of bfloat16, or has them for whole tiles of a matrix (AMX), which TensorFlow uses.
extern const ProductLoops *const bfloat16_products;

}  // namespace verlet
