// The feed-forward part of a layer with low-rank adapters, down(silu(gate(x)) · up(x)), and its gradient. What is in between
// goes no further than the processor's cache; of it gate and up are kept, rounded where the products are.

#include "adapted.h"
#include "kernels.h"
#include "loops.h"

namespace verlet {
namespace {

enum { kGate, kUp, kDown, kLayers };

// Rows of the wide part at a time: several such blocks of `kPanels` panels stay in a core's cache.
constexpr int64_t kPieceRows = 128;
constexpr int64_t kPieceColumns = kPanels * kColumns;

struct Weights {
  Weights(Call &call, int first, int64_t depth, const Attributes &attributes)
      : gate(call, first + kGate, first + 3 + kGate, first + 6 + kGate, depth, attributes),
        up(call, first + kUp, first + 3 + kUp, first + 6 + kUp, depth, attributes),
        down(call, first + kDown, first + 3 + kDown, first + 6 + kDown, gate.columns, attributes) {
    call.Expect(gate.columns == up.columns && gate.columns % 2 == 0, "gate and up have as many outputs, an even number");
  }

  Layer gate, up, down;
};

// work(block, chunk of rows, whether it is the chunk's first piece) for all rows and panels, pieces that a core's cache can hold.
template <typename Work>
Stage ForPieces(int64_t rows, int64_t columns, const Work &work) {
  const int64_t each = RowsInBlock(rows), panels = Panels(columns), groups = (panels + kPanels - 1) / kPanels;
  return {RowBlocks(rows) * groups, [=](int64_t i) {
            const int64_t chunk = i / groups, first = i % groups * kPanels, end = std::min((chunk + 1) * each, rows);
            for (int64_t row = chunk * each; row < end; row += kPieceRows) {
              work(Block{row, std::min(kPieceRows, end - row), first, std::min(first + kPanels, panels)}, chunk, row == chunk * each);
            }
          }};
}

// Gate and up as they are kept: [rows, columns], in bfloat16 half as wide.
struct Kept {
  const ProductLoops *loops;
  float *numbers;
  int64_t columns;

  void Put(const float *from, const Block &block, int64_t some) const {
    const int64_t stride = columns / loops->each;
    loops->lay_rows({from, false, some, false}, 0, block.rows, some, numbers + block.row * stride + block.first * kColumns / loops->each, stride);
  }
  void Take(const Block &block, int64_t some, float *to) const {
    const int64_t stride = columns / loops->each;
    loops->take_rows({numbers + block.row * stride + block.first * kColumns / loops->each, loops->each > 1, columns, false}, block.rows, some, to, some);
  }
};

// x, W, A and B of gate, up and down to y, gate, up, and u of each.
void AdaptedMlp(Call &call, const Attributes &attributes) {
  const ProductLoops *loops = LoopsFor(call, attributes);
  const Numbers x = call.Input(0);
  call.Expect(x.shape.size() == 2, "x is [N, K]");
  if (!call.ok) return;
  const int64_t rows = x.shape[0], depth = x.shape[1];
  const Weights weights(call, 1, depth, attributes);
  if (!call.ok) return;
  const int64_t columns = weights.gate.columns;
  const Numbers y = call.Output(0, {rows, weights.down.columns});
  const Numbers gate = call.Output(1, {rows, columns / loops->each}), up = call.Output(2, {rows, columns / loops->each});
  const Numbers u_gate = call.Output(3, {rows, weights.gate.rank}), u_up = call.Output(4, {rows, weights.up.rank}), u_down = call.Output(5, {rows, weights.down.rank});
  if (!call.ok) return;

  const Left input(loops, {x.data, false, depth, false}, rows, depth), mixed(loops, rows, columns);
  const LayerPass of_gate(loops, weights.gate, input, u_gate.data, rows), of_up(loops, weights.up, input, u_up.data, rows), of_down(loops, weights.down, mixed, u_down.data, rows);
  const Kept kept_gate{loops, gate.data, columns}, kept_up{loops, up.data, columns};
  const Stage narrow = ForRows(rows, [&](int64_t first, int64_t some, int64_t) {
    input.Lay(first, some);
    of_gate.Narrow(first, some);
    of_up.Narrow(first, some);
  });
  const std::vector<Pair> gate_pairs = of_gate.Pairs(), up_pairs = of_up.Pairs();
  const Stage wide = ForPieces(rows, columns, [&](const Block &block, int64_t, bool) {
    thread_local Scratch scratch;
    float *g = scratch.Numbers(2 * kPieceRows * kPieceColumns), *u = g + kPieceRows * kPieceColumns;
    const int64_t some = std::min(kPieceColumns, columns - block.first * kColumns);
    MultiplyBlock(loops, gate_pairs, block, columns, nullptr, g, some);
    MultiplyBlock(loops, up_pairs, block, columns, nullptr, u, some);
    kept_gate.Put(g, block, some);
    kept_up.Put(u, block, some);
    verlet::loops->swiglu(g, u, g, block.rows * some);
    mixed.Lay({g, false, some, false}, block.row, block.first * kColumns, block.rows, some);
  });
  const Stage narrow_down = ForRows(rows, [&](int64_t first, int64_t some, int64_t) { of_down.Narrow(first, some); });
  RunStages({Together({of_gate.LayPanels(), of_up.LayPanels(), of_down.LayPanels()}), narrow, wide, narrow_down, Multiply(loops, of_down.Pairs(), {nullptr, y.data, rows, weights.down.columns})});
}

// [dx so far], x, dy, W, A, B and u of gate, up and down, gate, up to [dx], dA and dB of each.
void AdaptedMlpGrad(Call &call, const Attributes &attributes) {
  const int sums = call.Inputs() - 16, wanted = call.Outputs() - 6;
  const ProductLoops *loops = LoopsFor(call, attributes);
  const Numbers x = call.Input(sums), dy = call.Input(sums + 1);
  call.Expect(x.shape.size() == 2 && sums <= wanted, "x is [N, K], and a sum so far comes with a gradient of x");
  if (!call.ok) return;
  const int64_t rows = x.shape[0], depth = x.shape[1];
  const Sum dx(call, sums, wanted, x.shape);
  const Weights weights(call, sums + 2, depth, attributes);
  if (!call.ok) return;
  const Layer *layers[kLayers] = {&weights.gate, &weights.up, &weights.down};
  const int64_t columns = weights.gate.columns;
  std::vector<Numbers> u, da, db;
  for (int i = 0; i < kLayers; i++) {
    u.push_back(call.Input(sums + 11 + i));
    call.Expect(u[i].shape == Shape{rows, layers[i]->rank}, "u is [N, r]");
    da.push_back(call.Output(wanted + i, layers[i]->a.shape));
    db.push_back(call.Output(wanted + kLayers + i, layers[i]->b.shape));
  }
  const Numbers gate = call.Input(sums + 14), up = call.Input(sums + 15);
  const Shape kept = {rows, columns / loops->each};
  call.Expect((dy.shape == Shape{rows, weights.down.columns}) && gate.shape == kept && up.shape == kept, "dy is [N, M], gate and up as they were kept");
  if (!call.ok) return;

  const Left input(loops, {x.data, false, depth, false}, rows, depth), slope(loops, {dy.data, false, weights.down.columns, false}, rows, weights.down.columns);
  const Left dgate(loops, rows, columns), dup(loops, rows, columns);
  const LayerGrad of_gate(loops, weights.gate, dgate, u[kGate].data, rows, wanted > 0), of_up(loops, weights.up, dup, u[kUp].data, rows, wanted > 0), of_down(loops, weights.down, slope, u[kDown].data, rows, true);
  const Kept kept_gate{loops, gate.data, columns}, kept_up{loops, up.data, columns};
  const Stage narrow_down = ForRows(rows, [&](int64_t first, int64_t some, int64_t block) {
    slope.Lay(first, some);
    of_down.Narrow(first, some, block);
  });
  const std::vector<Pair> pairs = of_down.Pairs();
  const Stage middle = ForPieces(rows, columns, [&](const Block &block, int64_t chunk, bool first) {
    thread_local Scratch scratch;
    constexpr int64_t kSize = kPieceRows * kPieceColumns;
    float *d = scratch.Numbers(4 * kSize), *g = d + kSize, *own_u = g + kSize, *h = own_u + kSize;
    const int64_t column = block.first * kColumns, some = std::min(kPieceColumns, columns - column);
    MultiplyBlock(loops, pairs, block, columns, nullptr, d, some);
    kept_gate.Take(block, some, g);
    kept_up.Take(block, some, own_u);
    verlet::loops->swiglu(g, own_u, h, block.rows * some);
    of_down.TakeInput({h, false, some, true}, column, some, block.row, block.rows, chunk, !first);
    verlet::loops->swiglu_grad(d, g, own_u, g, d, block.rows * some);
    dgate.Lay({g, false, some, false}, block.row, column, block.rows, some);
    dup.Lay({d, false, some, false}, block.row, column, block.rows, some);
  });
  const Stage narrow = ForRows(rows, [&](int64_t first, int64_t some, int64_t block) {
    input.Lay(first, some);
    of_gate.Narrow(first, some, block);
    of_up.Narrow(first, some, block);
    of_gate.TakeInput(input.Across(first), 0, depth, first, some, block, false);
    of_up.TakeInput(input.Across(first), 0, depth, first, some, block, false);
  });
  const LayerGrad *grads[kLayers] = {&of_gate, &of_up, &of_down};
  std::vector<Stage> wide;
  for (int i = 0; i < kLayers; i++) wide.push_back(grads[i]->Totals(attributes.number, da[i].data, db[i].data));
  if (wanted > 0) {
    std::vector<Pair> all = of_gate.Pairs();
    for (const Pair &pair : of_up.Pairs()) all.push_back(pair);
    wide.push_back(Multiply(loops, all, {dx.before(), dx.data(), rows, depth}));
  }
  RunStages({Together({of_gate.LayPanels(), of_up.LayPanels(), of_down.LayPanels()}), narrow_down, middle, narrow, Together(wide)});
}

}  // namespace

void RegisterAdaptedMlp() {
  const std::vector<const char *> weights = {"weight_gate", "weight_up", "weight_down", "a_gate", "a_up", "a_down", "b_gate", "b_up", "b_down"};
  std::vector<const char *> inputs = {"x"}, taken = {"before: sums * float", "x", "dy"};
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  taken.insert(taken.end(), weights.begin(), weights.end());
  taken.insert(taken.end(), {"u_gate", "u_up", "u_down", "gate", "up"});
  Register<AdaptedMlp>({"VerletAdaptedMlp", inputs, {"y", "gate", "up", "u_gate", "u_up", "u_down"}, "scale", {"rounded", "halves"}});
  Register<AdaptedMlpGrad>({"VerletAdaptedMlpGrad", taken, {"dx: wanted * float", "da_gate", "da_up", "da_down", "db_gate", "db_up", "db_down"}, "scale", {"rounded", "halves"}, {"sums", "wanted"}});
}

}  // namespace verlet
