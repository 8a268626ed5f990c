// silu(gate) · up and its gradient.

#include "kernels.h"
#include "loops.h"
#include "op.h"
#include "parallel.h"

namespace verlet {
namespace {

void Swiglu(Call &call, const Attributes &) {
  const Numbers gate = call.Input(0), up = call.Input(1);
  if (!call.ok) return;
  call.Expect(gate.shape == up.shape, "gate and up have one shape");
  const Numbers y = call.Output(0, gate.shape);
  if (!call.ok) return;
  const int64_t n = Size(gate.shape);
  ForBlocks(n, 16384, n, [&](int64_t first, int64_t last) { loops->swiglu(gate.data + first, up.data + first, y.data + first, last - first); });
}

void SwigluGrad(Call &call, const Attributes &) {
  const Numbers dy = call.Input(0), gate = call.Input(1), up = call.Input(2);
  if (!call.ok) return;
  call.Expect(gate.shape == up.shape && dy.shape == up.shape, "dy, gate and up have one shape");
  const Numbers dgate = call.Output(0, gate.shape), dup = call.Output(1, gate.shape);
  if (!call.ok) return;
  const int64_t n = Size(gate.shape);
  ForBlocks(n, 8192, n, [&](int64_t first, int64_t last) { loops->swiglu_grad(dy.data + first, gate.data + first, up.data + first, dgate.data + first, dup.data + first, last - first); });
}

}  // namespace

void RegisterSwiglu() {
  Register<Swiglu>({"VerletSwiglu", {"gate", "up"}, {"y"}});
  Register<SwigluGrad>({"VerletSwigluGrad", {"dy", "gate", "up"}, {"dgate", "dup"}});
}

}  // namespace verlet
