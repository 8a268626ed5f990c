// The passes over a row of logits that the choice of a token is made of, for the processor that this runs on.

#pragma once

#include <cstdint>

namespace verlet {

struct ChoiceLoops {
  // to = from / divisor
  void (*divide)(const float *from, float divisor, float *to, int64_t n);
  // The highest, or -3.4e38 where all are lower.
  float (*highest)(const float *z, int64_t n);
  // weights = exp(z - top) where z >= border, 0 elsewhere; where `weights` is null they are only added up. Returns their sum.
  float (*weigh)(const float *z, float top, float border, float *weights, int64_t n);
};

extern const ChoiceLoops *const choice_loops;

}  // namespace verlet
