// A parameter's update by Adam in one pass. Its moments are written where they are: they must be their owner's alone.

#include "kernels.h"
#include "loops.h"
#include "op.h"
#include "parallel.h"

namespace verlet {
namespace {

void Adam(Call &call, const Attributes &) {
  const Numbers p = call.Input(0), g = call.Input(1), m = call.Input(2), v = call.Input(3), scalars = call.Input(4);
  if (!call.ok) return;
  call.Expect(g.shape == p.shape && m.shape == p.shape && v.shape == p.shape && scalars.shape == Shape{6}, "the gradient and both moments have the parameter's shape, and there are six scalars");
  const Numbers updated = call.Output(0, p.shape);
  if (!call.ok) return;
  const float *s = scalars.data;
  const AdamStep step = {s[0], s[1], s[2], s[3], s[4], s[5]};
  const int64_t n = Size(p.shape);
  ForBlocks(n, 16384, 4 * n, [&](int64_t first, int64_t last) { loops->adam(step, p.data + first, g.data + first, m.data + first, v.data + first, updated.data + first, last - first); });
}

}  // namespace

void RegisterAdam() { Register<Adam>({"VerletAdam", {"p", "g", "m", "v", "scalars"}, {"updated"}}); }

}  // namespace verlet
