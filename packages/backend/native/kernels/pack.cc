// Weights laid out in panels for a decode step, with the norm before the product and a scale multiplied in: packWeight in
// packed-weight.ts, in one pass.

#include <cmath>
#include <vector>

#include "decode_loops.h"
#include "kernels.h"
#include "op.h"
#include "parallel.h"
#include "product_loops.h"

namespace verlet {
namespace {

constexpr int64_t kPart = 128;  // inputs that are laid out at a time: they stay in the cache until they are finished

void Pack(Call &call, const Attributes &attributes) {
  const bool pairs = attributes.flags[0];
  std::vector<Numbers> weights;
  const int parts = call.Inputs() - 1;
  for (int i = 0; i < parts; i++) weights.push_back(call.Input(i));
  const Numbers norm = call.Input(parts);
  if (!call.ok) return;
  const int64_t in = parts > 0 && weights[0].shape.size() == 2 ? weights[0].shape[1] : 0;
  std::vector<const float *> sources;  // of each panel
  for (const Numbers &weight : weights) {
    call.Expect(weight.shape.size() == 2 && weight.shape[1] == in && weight.shape[0] % kPanel == 0, "weights are [out, in], out a multiple of 32");
    if (!call.ok) return;
    for (int64_t row = 0; row < weight.shape[0]; row += kPanel) sources.push_back(weight.data + row * in);
  }
  call.Expect(norm.shape.size() == 1 && (Size(norm.shape) == 0 || Size(norm.shape) == in), "the norm's weight is [in] or empty");
  if (!call.ok) return;
  const int64_t panels = sources.size(), scaled = weights[0].shape[0] / kPanel, width = pairs ? kPanel / 2 : kPanel;
  const Numbers packed = call.Output(0, {panels, in, width});
  if (!call.ok) return;
  std::vector<float> factors(Size(norm.shape));
  const float root = static_cast<float>(std::sqrt(static_cast<double>(in)));
  for (size_t k = 0; k < factors.size(); k++) factors[k] = norm.data[k] * root;
  ForBlocks(panels, 1, 2 * panels * kPanel * in, [&](int64_t panel, int64_t) {
    alignas(64) float laid[kPart * kPanel];
    for (int64_t k = 0; k < in; k += kPart) {
      const int64_t depth = in - k < kPart ? in - k : kPart;
      float_products->lay_panel({sources[panel] + k, false, in, false}, 0, kPanel, depth, laid);
      decode_loops->finish_panel(laid, panel < scaled ? attributes.number : 1, factors.empty() ? nullptr : factors.data() + k, depth, pairs, packed.data + (panel * in + k) * width);
    }
  });
}

}  // namespace

void RegisterPack() { Register<Pack>({"VerletPack", {"weights: parts * float", "norm"}, {"packed"}, "scale", {"halves"}, {"parts"}}); }

}  // namespace verlet
