// What rows of logits say about their targets, in one pass, and the gradient of the targets' log-probs.

#include "kernels.h"
#include "loops.h"
#include "op.h"
#include "parallel.h"

namespace verlet {
namespace {

void OfLogits(Call &call, const Attributes &) {
  const Numbers logits = call.Input(0), targets = call.Input(1);
  if (!call.ok) return;
  call.Expect(logits.shape.size() == 2 && Width(logits.shape) > 0 && targets.shape == Shape{logits.shape[0]}, "logits are [N, V], targets [N]");
  if (!call.ok) return;
  const int64_t rows = logits.shape[0], n = logits.shape[1];
  const Numbers of_target = call.Output(0, {rows}), log_sum = call.Output(1, {rows}), mean = call.Output(2, {rows}), squares = call.Output(3, {rows}), top = call.Output(4, {rows}), hit = call.Output(5, {rows});
  if (!call.ok) return;
  ForRows(rows, 2 * rows * n, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) {
      const LogitRow found = loops->of_logits(logits.data + row * n, n);
      const int32_t target = targets.integers()[row];
      of_target.data[row] = target >= 0 && target < n ? logits.data[row * n + target] : 0;
      log_sum.data[row] = found.log_sum;
      mean.data[row] = found.mean;
      squares.data[row] = found.squares;
      top.data[row] = found.top;
      hit.data[row] = found.at == target;
    }
  });
}

void LogitSlopes(Call &call, const Attributes &) {
  const Numbers logits = call.Input(0), targets = call.Input(1), log_sum = call.Input(2), dy = call.Input(3);
  if (!call.ok) return;
  const Shape each = targets.shape;
  call.Expect(logits.shape.size() == 2 && each == Shape{logits.shape[0]} && log_sum.shape == each && dy.shape == each, "logits are [N, V], the others [N]");
  const Numbers slopes = call.Output(0, logits.shape);
  if (!call.ok) return;
  const int64_t rows = logits.shape[0], n = logits.shape[1];
  ForRows(rows, 2 * rows * n, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) {
      const int32_t target = targets.integers()[row];
      loops->logit_slopes(logits.data + row * n, log_sum.data[row], dy.data[row], slopes.data + row * n, n);
      if (target >= 0 && target < n) slopes.data[row * n + target] += dy.data[row];
    }
  });
}

}  // namespace

void RegisterLogits() {
  Register<OfLogits>({"VerletOfLogits", {"logits", "targets: int32"}, {"of_target", "log_sum", "mean", "squares", "top", "hit"}});
  Register<LogitSlopes>({"VerletLogitSlopes", {"logits", "targets: int32", "log_sum", "dy"}, {"slopes"}});
}

}  // namespace verlet
