// y + scale · u·w with few columns in u: what a low-rank adapter adds.

#include "kernels.h"
#include "loops.h"
#include "op.h"
#include "parallel.h"

namespace verlet {
namespace {

// [m, r] to [r, m]
std::vector<float> Transposed(const float *w, int64_t m, int64_t r) {
  std::vector<float> turned(m * r);
  for (int64_t i = 0; i < m; i++) {
    for (int64_t k = 0; k < r; k++) turned[k * m + i] = w[i * r + k];
  }
  return turned;
}

void AddLowRank(Call &call, const Attributes &attributes) {
  const Numbers u = call.Input(1), w = call.Input(2);
  if (!call.ok) return;
  call.Expect(u.shape.size() == 2 && w.shape.size() == 2 && u.shape[1] == w.shape[attributes.flags[0] ? 1 : 0], "u is [N, r], w [r, m] or, transposed, [m, r]");
  if (!call.ok) return;
  const int64_t rows = u.shape[0], r = u.shape[1], m = w.shape[attributes.flags[0] ? 0 : 1];
  bool over = false;
  const Numbers sum = call.OutputOver(0, 0, {rows, m}, &over);
  const Numbers y = over ? Numbers(nullptr) : call.Input(0);
  if (!call.ok) return;
  call.Expect(over || y.shape == sum.shape, "y is [N, m]");
  if (!call.ok) return;
  const float *from = over ? sum.data : y.data;
  const std::vector<float> turned = attributes.flags[0] ? Transposed(w.data, m, r) : std::vector<float>();
  const float *factors = attributes.flags[0] ? turned.data() : w.data;
  ForBlocks(rows, 16, rows * m, [&](int64_t first, int64_t last) {
    loops->add_low_rank(from + first * m, u.data + first * r, factors, attributes.number, sum.data + first * m, last - first, r, m);
  });
}

}  // namespace

void RegisterLowRank() { Register<AddLowRank>({"VerletAddLowRank", {"y", "u", "w"}, {"sum"}, "scale", {"transposed"}}); }

}  // namespace verlet
