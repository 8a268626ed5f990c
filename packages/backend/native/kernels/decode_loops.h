// The passes over memory that a decode step is made of, for the processor that this runs on.

#pragma once

#include <cstdint>

namespace verlet {

constexpr int64_t kPanel = 32;      // outputs of a weight's panel, as in packed-weight.ts
constexpr int64_t kPanelRows = 56;  // rows at most of one product with a panel

struct DecodeLoops {
  // y[r] = Σ w[k] · x[r][k] for a panel w [in, 32], or [in, 16] pairs of bfloat16, and rows of x `stride` apart; y [rows, 32].
  void (*panel)(const float *w, bool pairs, int64_t in, const float *x, int64_t stride, int64_t rows, float *y);
  // to = from / √(Σ from² + ε)
  void (*normalise)(const float *from, float *to, int64_t n, float epsilon);
  // y = or += 32 numbers, and their bias where there is one.
  void (*put)(const float *numbers, const float *bias, bool add, float *y);
  // y = silu(gate) · up for 32 numbers, each with its bias where there is one.
  void (*put_gated)(const float *gate, const float *up, const float *gate_bias, const float *up_bias, float *y);
  // A head turned by its position's angles, after its norm where it has one.
  void (*turn_head)(const float *x, const float *norm, float epsilon, const float *cosines, const float *sines, float *y, int64_t dim);
  // A group of queries over the same `count` keys and values of `dim` numbers, a multiple of 16; `scores` is room for two whole
  // lines of `count` numbers. The keys that lie from `next` on are asked of memory: they are needed after these.
  void (*attend)(const float *queries, int64_t group, const float *keys, const float *values, const float *next, int64_t count, int64_t dim, float *scores, float *out);
  // A part of a panel [depth, 32], times `scale` and each row's factor where there are any; as pairs of bfloat16 [depth, 16].
  void (*finish_panel)(const float *panel, float scale, const float *factors, int64_t depth, bool pairs, float *to);
};

extern const DecodeLoops *const decode_loops;

}  // namespace verlet
