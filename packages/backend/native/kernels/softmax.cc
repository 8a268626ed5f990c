// Causal attention's softmax over the keys that each query sees, and its gradient.

#include "kernels.h"
#include "loops.h"
#include "op.h"
#include "parallel.h"

namespace verlet {
namespace {

// Queries are the last of the keys: of Q queries and K keys, query t is key K − Q + t, and sees the keys up to itself.
struct Triangle {
  int64_t heads, queries, keys;
  explicit Triangle(const Shape &shape) : heads(shape[1]), queries(shape[2]), keys(shape[3]) {}
  int64_t Visible(int64_t row) const { return keys - queries + row % queries + 1; }
  int64_t Batch(int64_t row) const { return row / (queries * heads); }
};

void CausalSoftmax(Call &call, const Attributes &) {
  const Numbers scores = call.Input(0), sequences = call.Input(1);
  if (!call.ok) return;
  const Shape &shape = scores.shape;
  const bool own = Size(sequences.shape) > 0;
  call.Expect(shape.size() == 4 && shape[2] <= shape[3] && (!own || sequences.shape == Shape{shape[0], shape[3]}), "scores are [B, H, Q, K] with Q <= K, sequences [B, K] or empty");
  const Numbers p = call.Output(0, shape);
  if (!call.ok) return;
  const Triangle rows(shape);
  const int64_t n = rows.keys;
  ForRows(Size(shape) / n, 2 * Size(shape), [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) {
      const float *of = own ? sequences.data + rows.Batch(row) * n : nullptr;
      const int64_t visible = rows.Visible(row);
      loops->causal_softmax(scores.data + row * n, of, own ? of[visible - 1] : 0, p.data + row * n, visible, n);
    }
  });
}

void CausalSoftmaxGrad(Call &call, const Attributes &) {
  const Numbers p = call.Input(0), dp = call.Input(1);
  if (!call.ok) return;
  const Shape &shape = p.shape;
  call.Expect(shape.size() == 4 && dp.shape == shape, "p and dp are [B, H, Q, K]");
  const Numbers dscores = call.Output(0, shape);
  if (!call.ok) return;
  const Triangle rows(shape);
  const int64_t n = rows.keys;
  ForRows(Size(shape) / n, 3 * Size(shape), [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) loops->causal_softmax_grad(p.data + row * n, dp.data + row * n, dscores.data + row * n, rows.Visible(row), n);
  });
}

}  // namespace

void RegisterSoftmax() {
  Register<CausalSoftmax>({"VerletCausalSoftmax", {"scores", "sequences"}, {"p"}});
  Register<CausalSoftmaxGrad>({"VerletCausalSoftmaxGrad", {"p", "dp"}, {"dscores"}});
}

}  // namespace verlet
