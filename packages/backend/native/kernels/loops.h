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
