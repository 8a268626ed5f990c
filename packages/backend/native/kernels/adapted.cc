#include "adapted.h"

namespace verlet {
namespace {

constexpr int64_t kMostBlocks = 16;

Memory Scaled(const Numbers &b, float scale) {
  const int64_t size = Size(b.shape);
  Memory scaled = Allocate(size);
  for (int64_t i = 0; i < size; i++) scaled.get()[i] = scale * b.data[i];
  return scaled;
}

}  // namespace

const ProductLoops *LoopsFor(Call &call, const Attributes &attributes) {
  const ProductLoops *loops = attributes.flags[kRounded] ? bfloat16_products : float_products;
  call.Expect(loops != nullptr, "this processor has no products of bfloat16");
  return loops;
}

Layer::Layer(Call &call, int weight_at, int a_at, int b_at, int64_t depth, const Attributes &attributes)
    : weight(call.Input(weight_at)), a(call.Input(a_at)), b(call.Input(b_at)), halves(attributes.flags[kHalves]), depth(depth) {
  call.Expect(weight.shape.size() == 2 && a.shape.size() == 2 && b.shape.size() == 2, "weights are matrices");
  if (!call.ok) return;
  columns = b.shape[0];
  rank = a.shape[0];
  const bool fits = weight.shape == Shape{columns, halves ? depth / 2 : depth} && a.shape[1] == depth && b.shape[1] == rank;
  call.Expect(fits, "weights are [M, K], [r, K] and [M, r] where x is [N, K]");
  if (call.ok) scaled = Scaled(b, attributes.number);
}

int64_t RowsInBlock(int64_t rows) { return std::max(kBlockRows, (rows + kMostBlocks - 1) / kMostBlocks); }

LayerPass::LayerPass(const ProductLoops *loops, const Layer &layer, const Left &input, float *u, int64_t rows)
    : loops_(loops),
      input_(input),
      u_(u),
      rank_(layer.rank),
      low_(loops, {u, false, layer.rank, false}, rows, layer.rank),
      weight_(loops, layer.Weight(false), layer.depth, layer.columns),
      a_(loops, layer.A(false), layer.depth, layer.rank),
      b_(loops, layer.ScaledB(false), layer.rank, layer.columns) {}

Stage LayerPass::LayPanels() const { return Together({weight_.Lay(), a_.Lay(), b_.Lay()}); }

void LayerPass::Narrow(int64_t first, int64_t some) const {
  MultiplyBlock(loops_, {{&input_, &a_}}, {first, some, 0, Panels(rank_)}, rank_, nullptr, u_ + first * rank_, rank_);
  low_.Lay(first, some);
}

float Sums::At(int64_t i) const {
  float sum = 0;
  for (int64_t block = 0; block < blocks_; block++) sum += Block(block)[i];
  return sum;
}

void Sums::Total(float *to) const {
  for (int64_t i = 0; i < rank_ * columns_; i++) to[i] = At(i);
}

void Sums::TurnedTotal(float scale, float *to) const {
  for (int64_t column = 0; column < columns_; column++) {
    for (int64_t r = 0; r < rank_; r++) to[column * rank_ + r] = scale * At(r * columns_ + column);
  }
}

LayerGrad::LayerGrad(const ProductLoops *loops, const Layer &layer, const Left &slope, const float *u, int64_t rows, bool of_input)
    : loops_(loops),
      slope_(slope),
      u_(u),
      columns_(layer.columns),
      rank_(layer.rank),
      depth_(layer.depth),
      of_input_(of_input),
      du_(Allocate(rows * layer.rank)),
      low_(loops, {du_.get(), false, layer.rank, false}, rows, layer.rank),
      weight_(loops, layer.Weight(true), layer.columns, of_input ? layer.depth : 0),
      a_(loops, layer.A(true), layer.rank, of_input ? layer.depth : 0),
      b_(loops, layer.ScaledB(true), layer.columns, layer.rank),
      of_a_(RowBlocks(rows), layer.rank, layer.depth),
      of_b_(RowBlocks(rows), layer.rank, layer.columns) {}

Stage LayerGrad::LayPanels() const { return Together({b_.Lay(), weight_.Lay(), a_.Lay()}); }

void LayerGrad::Narrow(int64_t first, int64_t some, int64_t block) const {
  MultiplyBlock(loops_, {{&slope_, &b_}}, {first, some, 0, Panels(rank_)}, rank_, nullptr, du_.get() + first * rank_, rank_);
  if (of_input_) low_.Lay(first, some);
  MultiplyTurned(loops_, u_ + first * rank_, rank_, slope_.Across(first), columns_, some, of_b_.Block(block));
}

void LayerGrad::TakeInput(const Left &input, int64_t first, int64_t some, int64_t block) const {
  MultiplyTurned(loops_, du_.get() + first * rank_, rank_, input.Across(first), depth_, some, of_a_.Block(block));
}

Stage LayerGrad::Totals(float scale, float *da, float *db) const {
  return {2, [this, scale, da, db](int64_t block) { block == 0 ? of_a_.Total(da) : of_b_.TurnedTotal(scale, db); }};
}

}  // namespace verlet
