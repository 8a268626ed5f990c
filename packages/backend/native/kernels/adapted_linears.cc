// Layers with low-rank adapters that share their input, and their gradients.

#include <deque>

#include "adapted.h"
#include "kernels.h"

namespace verlet {
namespace {

// x, W…, A…, B… to y…, u… with u = x·Aᵀ.
void AdaptedLinears(Call &call, const Attributes &attributes) {
  const int count = (call.Inputs() - 1) / 3;
  const ProductLoops *loops = LoopsFor(call, attributes);
  const Numbers x = call.Input(0);
  call.Expect(x.shape.size() == 2, "x is [N, K]");
  if (!call.ok) return;
  const int64_t rows = x.shape[0], depth = x.shape[1];
  std::deque<Layer> layers;
  std::vector<Numbers> y, u;
  for (int i = 0; i < count; i++) {
    const Layer &layer = layers.emplace_back(call, 1 + i, 1 + count + i, 1 + 2 * count + i, depth, attributes);
    y.push_back(call.Output(i, {rows, layer.columns}));
    u.push_back(call.Output(count + i, {rows, layer.rank}));
  }
  if (!call.ok) return;

  const Left input(loops, {x.data, false, depth, false}, rows, depth);
  std::deque<LayerPass> passes;
  std::vector<Stage> panels, wide;
  for (int i = 0; i < count; i++) {
    const LayerPass &pass = passes.emplace_back(loops, layers[i], input, u[i].data, rows);
    panels.push_back(pass.LayPanels());
    wide.push_back(Multiply(loops, pass.Pairs(), {nullptr, y[i].data, rows, layers[i].columns}));
  }
  const Stage narrow = ForRows(rows, [&](int64_t first, int64_t some, int64_t) {
    input.Lay(first, some);
    for (const LayerPass &pass : passes) pass.Narrow(first, some);
  });
  RunStages({Together(panels), narrow, Together(wide)});
}

// [dx so far], x, dy…, W…, A…, B…, u… to [dx], dA…, dB….
void AdaptedLinearsGrad(Call &call, const Attributes &attributes) {
  const int count = (call.Inputs() - 1) / 5, sums = (call.Inputs() - 1) % 5, wanted = call.Outputs() - 2 * count;
  const ProductLoops *loops = LoopsFor(call, attributes);
  const Numbers x = call.Input(sums);
  call.Expect(x.shape.size() == 2 && sums <= wanted, "x is [N, K], and a sum so far comes with a gradient of x");
  if (!call.ok) return;
  const int64_t rows = x.shape[0], depth = x.shape[1];
  const Sum dx(call, sums, wanted, x.shape);
  const auto at = [&](int list, int i) { return sums + 1 + list * count + i; };
  std::deque<Layer> layers;
  std::vector<Numbers> dy, u, da, db;
  for (int i = 0; i < count; i++) {
    const Layer &layer = layers.emplace_back(call, at(1, i), at(2, i), at(3, i), depth, attributes);
    dy.push_back(call.Input(at(0, i)));
    u.push_back(call.Input(at(4, i)));
    call.Expect(dy[i].shape == Shape{rows, layer.columns} && u[i].shape == Shape{rows, layer.rank}, "dy is [N, M] and u [N, r]");
    da.push_back(call.Output(wanted + i, layer.a.shape));
    db.push_back(call.Output(wanted + count + i, layer.b.shape));
  }
  if (!call.ok) return;

  const Left input(loops, {x.data, false, depth, false}, rows, depth);
  std::deque<Left> slopes;
  std::deque<LayerGrad> grads;
  std::vector<Stage> panels, wide;
  std::vector<Pair> pairs;
  for (int i = 0; i < count; i++) {
    slopes.emplace_back(loops, Source{dy[i].data, false, layers[i].columns, false}, rows, layers[i].columns);
    const LayerGrad &grad = grads.emplace_back(loops, layers[i], slopes[i], u[i].data, rows, wanted > 0);
    panels.push_back(grad.LayPanels());
    wide.push_back(grad.Totals(attributes.number, da[i].data, db[i].data));
    for (const Pair &pair : grad.Pairs()) pairs.push_back(pair);
  }
  const Stage narrow = ForRows(rows, [&](int64_t first, int64_t some, int64_t block) {
    input.Lay(first, some);
    for (int i = 0; i < count; i++) {
      slopes[i].Lay(first, some);
      grads[i].Narrow(first, some, block);
      grads[i].TakeInput(input, first, some, block);
    }
  });
  if (wanted > 0) wide.push_back(Multiply(loops, pairs, {dx.before(), dx.data(), rows, depth}));
  RunStages({Together(panels), narrow, Together(wide)});
}

}  // namespace

void RegisterAdaptedLinears() {
  Register<AdaptedLinears>({"VerletAdaptedLinears",
                            {"x", "weights: count * float", "a: count * float", "b: count * float"},
                            {"y: count * float", "u: count * float"},
                            "scale",
                            {"rounded", "halves"},
                            {"count"}});
  Register<AdaptedLinearsGrad>({"VerletAdaptedLinearsGrad",
                                {"before: sums * float", "x", "dy: count * float", "weights: count * float", "a: count * float", "b: count * float", "u: count * float"},
                                {"dx: wanted * float", "da: count * float", "db: count * float"},
                                "scale",
                                {"rounded", "halves"},
                                {"sums", "count", "wanted"}});
}

}  // namespace verlet
