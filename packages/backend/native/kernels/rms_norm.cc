// y = x / √(mean(x²) + ε) · w over the last axis, and its gradient.

#include <vector>

#include "kernels.h"
#include "loops.h"
#include "op.h"
#include "parallel.h"

namespace verlet {
namespace {

void RmsNorm(Call &call, const Attributes &attributes) {
  const Numbers x = call.Input(0), weight = call.Input(1);
  if (!call.ok) return;
  const int64_t n = Width(x.shape), rows = Rows(x.shape);
  call.Expect(Size(weight.shape) == n, "the norm's weight is as long as the last axis");
  Shape one = x.shape;
  if (!one.empty()) one.back() = 1;
  const Numbers y = call.Output(0, x.shape), scale = call.Output(1, one);
  if (!call.ok) return;
  ForRows(rows, 2 * rows * n, [&](int64_t first, int64_t last) {
    loops->rms_norm(x.data + first * n, weight.data, attributes.number, y.data + first * n, scale.data + first, last - first, n);
  });
}

// Blocks of rows, each with a sum of its own for the weight: the same ones however many threads there are.
constexpr int64_t kMostBlocks = 64;

void RmsNormGrad(Call &call, const Attributes &) {
  const Numbers dy = call.Input(0), x = call.Input(1), weight = call.Input(2), scale = call.Input(3);
  if (!call.ok) return;
  const int64_t n = Width(x.shape), rows = Rows(x.shape);
  call.Expect(dy.shape == x.shape && Size(weight.shape) == n && Size(scale.shape) == rows, "shapes of a norm's gradient");
  const Numbers dx = call.Output(0, x.shape), dw = call.Output(1, {n});
  if (!call.ok) return;
  const int64_t block = (rows + kMostBlocks - 1) / kMostBlocks + 1;
  std::vector<float> sums(n * ((rows + block - 1) / block), 0.f);
  ForBlocks(rows, block, 3 * rows * n, [&](int64_t first, int64_t last) {
    loops->rms_norm_grad(dy.data + first * n, x.data + first * n, weight.data, scale.data + first, dx.data + first * n, sums.data() + first / block * n, last - first, n);
  });
  for (int64_t i = 0; i < n; i++) dw.data[i] = 0;
  for (size_t at = 0; at < sums.size(); at++) dw.data[at % n] += sums[at];
}

}  // namespace

void RegisterRmsNorm() {
  Register<RmsNorm>({"VerletRmsNorm", {"x", "weight"}, {"y", "scale"}, "epsilon"});
  Register<RmsNormGrad>({"VerletRmsNormGrad", {"dy", "x", "weight", "scale"}, {"dx", "dweight"}});
}

}  // namespace verlet
