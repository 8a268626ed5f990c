// The passes over memory that verlet's ops are made of, for the processor that this runs on.

#pragma once

#include <cstdint>

namespace verlet {

struct LogitRow {
  float log_sum, mean, squares, top;
  int64_t at;
};

struct AdamStep {
  float rate, beta1, beta2, epsilon, clip, keep;
};

// Queries' scores with the keys from the first one on; rows are `stride` apart and hold whole lines.
struct ScoreRows {
  float *scores;  // to be exp(scale · (score − the highest))
  int64_t stride, rows, keys;
  int64_t visible;  // keys that the first query sees, each other query one more than the one before it
  float scale;
  const float *sequences;      // of all these keys, or null
  float *log_sums, *factors;  // of each query: log Σ exp(scale · score), and 1 / Σ of what is written
};

// Some keys' scores with some queries, a row for each key; rows are `stride` apart and hold whole lines.
struct ScoreTile {
  float *scores;    // to be the probabilities
  float *dp;        // their gradient; to be the gradient of the products of queries and keys
  int64_t stride, keys, queries;
  int64_t ahead;    // places from the first query to the first key
  float scale;
  const float *log_sums, *totals;  // of each query: log Σ exp(scale · score), and Σ p·dp over all keys
  const float *own, *of;           // sequences of the queries and of the keys, or null
};

struct Loops {
  // Of `rows` rows of n; writes each row's 1 / rms as well.
  void (*rms_norm)(const float *x, const float *weight, float epsilon, float *y, float *scale, int64_t rows, int64_t n);
  // Adds to dw.
  void (*rms_norm_grad)(const float *dy, const float *x, const float *weight, const float *scale, float *dx, float *dw, int64_t rows, int64_t n);
  void (*swiglu)(const float *gate, const float *up, float *y, int64_t n);
  void (*swiglu_grad)(const float *dy, const float *gate, const float *up, float *dgate, float *dup, int64_t n);
  // One token's heads.
  void (*rotary)(const float *x, const float *cosines, const float *sines, bool back, float *y, int64_t heads, int64_t dim);
  // One row of attention.
  void (*causal_softmax)(const float *scores, const float *sequences, float own, float *p, int64_t visible, int64_t n);
  void (*causal_softmax_grad)(const float *p, const float *dp, float *dscores, int64_t visible, int64_t n);
  void (*attention_weights)(const ScoreRows &rows);
  void (*attention_slopes)(const ScoreTile &tile);
  // Of rows of n: sums[row] = Σ x·y, x as bfloat16 holds it where `rounded`.
  void (*row_products)(const float *x, const float *y, bool rounded, float *sums, int64_t rows, int64_t stride, int64_t n);
  // x *= factors[row].
  void (*scale_rows)(float *x, const float *factors, int64_t rows, int64_t stride, int64_t n);
  // One row of logits.
  LogitRow (*of_logits)(const float *logits, int64_t n);
  // All but the 1 at the target.
  void (*logit_slopes)(const float *logits, float log_sum, float dy, float *slopes, int64_t n);
  // out may be y.
  void (*add_low_rank)(const float *y, const float *u, const float *w, float scale, float *out, int64_t rows, int64_t r, int64_t m);
  void (*adam)(const AdamStep &step, const float *p, const float *g, float *m, float *v, float *out, int64_t n);
};

extern const Loops *const loops;

}  // namespace verlet
