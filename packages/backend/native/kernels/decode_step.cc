// One token of each row through all layers of a transformer and its head: what stepPass in packages/model does op by op.
// At a few rows the weights' way from memory is what takes the time, so nothing is written that need not be, and no thread
// is woken up between two products.

#include <cstring>
#include <memory>

#include "decode_loops.h"
#include "kernels.h"
#include "memory.h"
#include "op.h"
#include "parallel.h"
#include "stages.h"

namespace verlet {
namespace {

constexpr int64_t kManyRows = 16;  // enough of them for each thread to have several
constexpr int64_t kGap = 16;       // numbers between rows, lest those of a power of two share a place in the cache

// Rows of numbers, some way apart.
struct Grid {
  float *data = nullptr;
  int64_t stride = 0;
  float *row(int64_t i) const { return data + i * stride; }
};

// A weight in panels, [out / 32, in, 32]; as pairs of bfloat16, [out / 32, in, 16].
struct Weight {
  const float *data = nullptr;
  int64_t out = 0, in = 0;
  bool pairs = false;
  void Multiply(int64_t panel, Grid x, int64_t first, int64_t rows, float *sums) const {
    decode_loops->panel(data + panel * in * (pairs ? kPanel / 2 : kPanel), pairs, in, x.row(first), x.stride, rows, sums);
  }
};

struct Layer {
  Weight qkv, o, gateUp, down;
  const float *qkvBias = nullptr, *headNorm = nullptr, *oBias = nullptr, *gateUpBias = nullptr, *downBias = nullptr;
  float *keys = nullptr, *values = nullptr;  // [B·kvHeads, S, D] each
};

struct Model {
  int64_t heads, kvHeads, tensors;
  float epsilon;
  bool headNorm, qkvBias, oBias, gateUpBias, downBias;
};

// all rows, as many at a time as a panel is multiplied with
template <typename Each>
void ForParts(int64_t rows, const Each &each) {
  for (int64_t first = 0; first < rows; first += kPanelRows) each(first, static_cast<int>(rows - first < kPanelRows ? rows - first : kPanelRows));
}

// A stage that multiplies x with a weight and writes, or adds, to y.
Stage ProductStage(const Weight &w, const float *bias, Grid x, int64_t rows, bool add, Grid y) {
  return {w.out / kPanel, [=](int64_t panel) {
            float sums[kPanelRows * kPanel];
            ForParts(rows, [&](int64_t first, int count) {
              w.Multiply(panel, x, first, count, sums);
              for (int r = 0; r < count; r++) decode_loops->put(sums + r * kPanel, bias ? bias + panel * kPanel : nullptr, add, y.row(first + r) + panel * kPanel);
            });
          }};
}

Stage GatedStage(const Weight &w, const float *bias, Grid x, int64_t rows, Grid y) {
  const int64_t half = w.out / 2;
  return {half / kPanel, [=](int64_t panel) {
            float gate[kPanelRows * kPanel], up[kPanelRows * kPanel];
            ForParts(rows, [&](int64_t first, int count) {
              w.Multiply(panel, x, first, count, gate);
              w.Multiply(half / kPanel + panel, x, first, count, up);
              const float *own = bias ? bias + panel * kPanel : nullptr;
              for (int r = 0; r < count; r++) decode_loops->put_gated(gate + r * kPanel, up + r * kPanel, own, own ? own + half : nullptr, y.row(first + r) + panel * kPanel);
            });
          }};
}

Stage NormStage(Grid from, Grid to, int64_t rows, int64_t n, float epsilon) {
  return {rows, [=](int64_t row) { decode_loops->normalise(from.row(row), to.row(row), n, epsilon * n); }};
}

struct Angles {
  const float *cosines, *sines;  // [positions, D]
  const int32_t *padding;        // [B]
  int64_t column;                // the new token's, in the cache
};

// A block is a row, whose heads' keys lie one after the other; of few rows it is a head.
Stage AttentionStage(const Layer &layer, const Model &a, const Angles &angles, Grid qkv, Grid mixed, int64_t rows, int64_t dim, int64_t columns) {
  const auto attend = [=](int64_t i) {
    const int64_t row = i / a.kvHeads, kvHead = i % a.kvHeads, group = a.heads / a.kvHeads;
    const int64_t first = angles.padding[row], position = angles.column - first;
    const float *cosines = angles.cosines + position * dim, *sines = angles.sines + position * dim, *x = qkv.row(row);
    const auto norm = [&](int64_t head) { return layer.headNorm ? layer.headNorm + head * dim : nullptr; };
    float *keys = layer.keys + i * columns * dim, *values = layer.values + i * columns * dim;
    decode_loops->turn_head(x + (a.heads + kvHead) * dim, norm(a.heads + kvHead), a.epsilon * dim, cosines, sines, keys + angles.column * dim, dim);
    std::memcpy(values + angles.column * dim, x + (a.heads + a.kvHeads + kvHead) * dim, dim * sizeof(float));
    static thread_local std::vector<float> room;
    room.resize(group * dim + 2 * WholeLines(columns));
    for (int64_t head = 0; head < group; head++) {
      const int64_t of = kvHead * group + head;
      decode_loops->turn_head(x + of * dim, norm(of), a.epsilon * dim, cosines, sines, room.data() + head * dim, dim);
    }
    const int64_t next = i + 1 < rows * a.kvHeads ? columns * dim : 0;
    decode_loops->attend(room.data(), group, keys + first * dim, values + first * dim, keys + next + first * dim, position + 1, dim, room.data() + group * dim, mixed.row(row) + kvHead * group * dim);
  };
  const int64_t together = rows < kManyRows ? 1 : a.kvHeads;
  return {rows * a.kvHeads / together, [=](int64_t block) {
            for (int64_t i = 0; i < together; i++) attend(block * together + i);
          }};
}

// Rows with a gap between them.
class Room {
 public:
  Room(int64_t rows, int64_t width) : stride_(width + kGap), data_(new float[rows * stride_]) {}
  operator Grid() const { return {data_.get(), stride_}; }

 private:
  int64_t stride_;
  std::unique_ptr<float[]> data_;
};

void Compute(void *kernel, TF_OpKernelContext *context) {
  const Model &a = *static_cast<Model *>(kernel);
  Call call(context);
  std::vector<Numbers> held;
  const int fixed = 4;
  for (int i = 0; i < fixed + a.tensors; i++) held.push_back(call.Input(i));
  if (!call.ok) return;
  const Numbers &embedded = held[0], &cosines = held[1], &sines = held[2], &places = held[3];
  const int64_t rows = Rows(embedded.shape), width = Width(embedded.shape), dim = Width(cosines.shape);
  size_t next = fixed;
  const auto weight = [&](int64_t in) {
    const Numbers &w = held[next++];
    call.Expect(w.shape.size() == 3 && w.shape[1] == in && (w.shape[2] == kPanel || w.shape[2] == kPanel / 2), "a weight lies in panels of 32 outputs");
    return call.ok ? Weight{w.data, w.shape[0] * kPanel, in, w.shape[2] != kPanel} : Weight{};
  };
  const auto optional = [&](bool there) -> const float * { return there ? held[next++].data : nullptr; };
  std::vector<Layer> layers;
  int64_t columns = 0, inner = 0;
  while (call.ok && next + 1 < held.size()) {
    Layer layer;
    layer.qkv = weight(width);
    layer.qkvBias = optional(a.qkvBias);
    layer.headNorm = optional(a.headNorm);
    layer.o = weight(a.heads * dim);
    layer.oBias = optional(a.oBias);
    layer.gateUp = weight(width);
    layer.gateUpBias = optional(a.gateUpBias);
    inner = layer.gateUp.out / 2;
    layer.down = weight(inner);
    layer.downBias = optional(a.downBias);
    const Numbers &keys = held[next++], &values = held[next++];
    call.Expect(keys.shape.size() == 3 && keys.shape == values.shape && keys.shape[0] == rows * a.kvHeads && keys.shape[2] == dim, "the cache is [B·kvHeads, S, D]");
    if (!call.ok) return;
    columns = keys.shape[1];
    layer.keys = keys.data;
    layer.values = values.data;
    layers.push_back(layer);
  }
  const Weight head = weight(width);
  const int32_t *numbers = places.integers();
  const Angles angles{cosines.data, sines.data, numbers, numbers[rows]};
  call.Expect(angles.column < columns && dim % 16 == 0, "the cache has room, and heads are a multiple of 16 wide");
  const Numbers logits = call.Output(0, {rows, head.out});
  if (!call.ok) return;

  const Room x(rows, width), normed(rows, width), qkv(rows, (a.heads + 2 * a.kvHeads) * dim), mixed(rows, a.heads * dim), gated(rows, inner);
  for (int64_t row = 0; row < rows; row++) std::memcpy(Grid(x).row(row), embedded.data + row * width, width * sizeof(float));
  std::vector<Stage> stages;
  for (const Layer &layer : layers) {
    stages.push_back(NormStage(x, normed, rows, width, a.epsilon));
    stages.push_back(ProductStage(layer.qkv, layer.qkvBias, normed, rows, false, qkv));
    stages.push_back(AttentionStage(layer, a, angles, qkv, mixed, rows, dim, columns));
    stages.push_back(ProductStage(layer.o, layer.oBias, mixed, rows, true, x));
    stages.push_back(NormStage(x, normed, rows, width, a.epsilon));
    stages.push_back(GatedStage(layer.gateUp, layer.gateUpBias, normed, rows, gated));
    stages.push_back(ProductStage(layer.down, layer.downBias, gated, rows, true, x));
  }
  stages.push_back(NormStage(x, normed, rows, width, a.epsilon));
  stages.push_back(ProductStage(head, nullptr, normed, rows, false, {logits.data, head.out}));
  RunStages(stages);
}

void *Create(TF_OpKernelConstruction *construction) {
  auto *a = new Model();
  std::unique_ptr<TF_Status, void (*)(TF_Status *)> status(TF_NewStatus(), TF_DeleteStatus);
  const auto number = [&](const char *name, int64_t *value) { TF_OpKernelConstruction_GetAttrInt64(construction, name, value, status.get()); };
  const auto flag = [&](const char *name, bool *value) {
    unsigned char byte = 0;
    TF_OpKernelConstruction_GetAttrBool(construction, name, &byte, status.get());
    *value = byte != 0;
  };
  number("heads", &a->heads);
  number("kv_heads", &a->kvHeads);
  number("n", &a->tensors);
  TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &a->epsilon, status.get());
  flag("head_norm", &a->headNorm);
  flag("qkv_bias", &a->qkvBias);
  flag("o_bias", &a->oBias);
  flag("gate_up_bias", &a->gateUpBias);
  flag("down_bias", &a->downBias);
  return a;
}

// x·Wᵀ of any number of rows, for prompts.
void PanelProduct(Call &call, const Attributes &) {
  const Numbers x = call.Input(0), w = call.Input(1);
  if (!call.ok) return;
  call.Expect(x.shape.size() == 2 && w.shape.size() == 3 && w.shape[1] == x.shape[1] && (w.shape[2] == kPanel || w.shape[2] == kPanel / 2), "x is [N, in], the weight [out / 32, in, 32 or 16]");
  if (!call.ok) return;
  const int64_t rows = x.shape[0], in = x.shape[1];
  const Weight weight{w.data, w.shape[0] * kPanel, in, w.shape[2] != kPanel};
  const Numbers y = call.Output(0, {rows, weight.out});
  if (!call.ok) return;
  const Stage stage = ProductStage(weight, nullptr, {x.data, in}, rows, false, {y.data, weight.out});
  ForBlocks(stage.blocks, 1, rows * weight.out * in, [&](int64_t first, int64_t) { stage.work(first); });
}

}  // namespace

void RegisterDecodeStep() {
  Register<PanelProduct>({"VerletPanelProduct", {"x", "weight"}, {"y"}});

  TF_OpDefinitionBuilder *builder = TF_NewOpDefinitionBuilder("VerletDecodeStep");
  for (const char *input : {"embedded: float", "cos: float", "sin: float", "places: int32", "tensors: n * float"}) TF_OpDefinitionBuilderAddInput(builder, input);
  TF_OpDefinitionBuilderAddOutput(builder, "logits: float");
  for (const char *attribute : {"heads: int", "kv_heads: int", "n: int", "epsilon: float", "head_norm: bool", "qkv_bias: bool", "o_bias: bool", "gate_up_bias: bool", "down_bias: bool"}) {
    TF_OpDefinitionBuilderAddAttr(builder, attribute);
  }
  TF_OpDefinitionBuilderSetIsStateful(builder, true);  // it writes the cache
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, [](TF_ShapeInferenceContext *context, TF_Status *status) { TF_ShapeInferenceContextSetUnknownShape(context, status); });
  std::unique_ptr<TF_Status, void (*)(TF_Status *)> status(TF_NewStatus(), TF_DeleteStatus);
  TF_RegisterOpDefinition(builder, status.get());
  auto destroy = [](void *kernel) { delete static_cast<Model *>(kernel); };
  TF_RegisterKernelBuilder("VerletDecodeStep", TF_NewKernelBuilder("VerletDecodeStep", "CPU", Create, Compute, destroy), status.get());
}

}  // namespace verlet
