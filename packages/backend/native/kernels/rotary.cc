// Rotary positions with the pairing (i, i + D/2), and back.

#include "kernels.h"
#include "loops.h"
#include "op.h"
#include "parallel.h"

namespace verlet {
namespace {

void Rotary(Call &call, const Attributes &attributes) {
  const Numbers x = call.Input(0), cosines = call.Input(1), sines = call.Input(2);
  if (!call.ok) return;
  const int64_t angles = Size(cosines.shape);
  call.Expect(x.shape.size() == 4 && cosines.shape.size() == 4 && cosines.shape == sines.shape && cosines.shape[1] == x.shape[1] && cosines.shape[3] == x.shape[3] && x.shape[3] % 2 == 0,
              "positions are [B, T, heads, D], angles [1 or B, T, 1, D], D even");
  const Numbers y = call.Output(0, x.shape);
  if (!call.ok) return;
  const int64_t heads = x.shape[2], dim = x.shape[3], tokens = x.shape[0] * x.shape[1];
  ForRows(tokens, 2 * Size(x.shape), [&](int64_t first, int64_t last) {
    for (int64_t token = first; token < last; token++) {
      const int64_t at = token * dim % angles;
      loops->rotary(x.data + token * heads * dim, cosines.data + at, sines.data + at, attributes.flags[0], y.data + token * heads * dim, heads, dim);
    }
  });
}

}  // namespace

void RegisterRotary() { Register<Rotary>({"VerletRotary", {"x", "cos", "sin"}, {"y"}, nullptr, {"back"}}); }

}  // namespace verlet
