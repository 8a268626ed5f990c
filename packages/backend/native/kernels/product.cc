// Products of matrices whose factors are made bfloat16 on their way into the processor's cache, with what an adapter adds.

#include <algorithm>

#include "kernels.h"
#include "memory.h"
#include "op.h"
#include "parallel.h"
#include "product_loops.h"
#include "stages.h"

namespace verlet {
namespace {

constexpr int64_t kRows = 256;    // rows of `kDepth` elements stay in a core's cache
constexpr int64_t kDepth = 512;
constexpr int64_t kPanels = 4;    // that such rows meet in a block
constexpr int64_t kBlocks = 16;   // enough for threads to end at about the same time
constexpr int64_t kFewRows = 64;  // fewer in a block save nothing
constexpr int64_t kLayRows = 32;  // rows laid out by a thread at a time

// A matrix whose rows are a product's, as elements along its sum.
class Left {
 public:
  Left(const ProductLoops *loops, const Source &from, int64_t rows, int64_t depth)
      : loops_(loops), from_(from), rows_(rows), depth_(depth), elements_((depth + loops->each - 1) / loops->each), stride_(from.stride) {
    if (!lies()) stride_ = WholeLines(elements_) + kLine;  // lest rows of a power of two share a place in the cache
    if (!lies()) memory_ = Allocate(rows * stride_);
  }

  Stage Lay() const {
    return {lies() ? 0 : (rows_ + kLayRows - 1) / kLayRows, [this](int64_t block) {
              const int64_t first = block * kLayRows;
              loops_->lay_rows(from_, first, std::min(kLayRows, rows_ - first), depth_, memory_.get() + first * stride_, stride_);
            }};
  }

  // The elements of the rows from `row` on; a panel of a right matrix is to be added.
  Terms Row(int64_t row) const {
    const float *data = lies() ? static_cast<const float *>(from_.numbers) : memory_.get();
    return {data + row * stride_, stride_, nullptr, elements_};
  }

 private:
  // Rows of float32 can stay where they are.
  bool lies() const { return loops_->each == 1 && !from_.across && !from_.halves; }

  const ProductLoops *loops_;
  Source from_;
  int64_t rows_, depth_, elements_, stride_;
  Memory memory_;
};

int64_t Panels(int64_t columns) { return (columns + kColumns - 1) / kColumns; }

// A matrix whose columns are a product's, in panels.
class Right {
 public:
  Right(const ProductLoops *loops, const Source &from, int64_t depth, int64_t columns)
      : loops_(loops), from_(from), depth_(depth), columns_(columns), elements_((depth + loops->each - 1) / loops->each), memory_(Allocate(Panels(columns) * elements_ * kColumns)) {}

  Stage Lay() const {
    return {Panels(columns_), [this](int64_t panel) {
              const int64_t first = panel * kColumns;
              loops_->lay_panel(from_, first, std::min(kColumns, columns_ - first), depth_, memory_.get() + first * elements_);
            }};
  }

  const float *Panel(int64_t panel) const { return memory_.get() + panel * elements_ * kColumns; }

 private:
  const ProductLoops *loops_;
  Source from_;
  int64_t depth_, columns_, elements_;
  Memory memory_;
};

// One product of a sum.
struct Pair {
  const Left *left;
  const Right *right;
};

struct Target {
  const float *before;  // null, y's own memory or another
  float *data;
  int64_t rows, columns;
};

// y = [before +] Σ left · right, in blocks of rows and panels: rows that a core's cache can hold meet some panels one after the
// other. What a block computes does not depend on the others.
Stage Multiply(const ProductLoops *loops, std::vector<Pair> pairs, Target y) {
  const int64_t panels = Panels(y.columns), groups = (panels + kPanels - 1) / kPanels;
  const int64_t wanted = std::max((y.rows + kRows - 1) / kRows, std::min(kBlocks / groups, y.rows / kFewRows));
  const int64_t chunks = std::max<int64_t>(1, wanted), each = (y.rows + chunks - 1) / chunks;
  return {groups * chunks, [=](int64_t block) {
            const int64_t row = block / groups * each, rows = std::min(each, y.rows - row);
            const int64_t first = block % groups * kPanels, last = std::min(first + kPanels, panels);
            const float *from = y.before;
            for (const Pair &pair : pairs) {
              const Terms whole = pair.left->Row(row);
              for (int64_t begin = 0; begin < whole.depth; begin += kDepth) {
                for (int64_t panel = first; panel < last; panel++) {
                  const int64_t column = panel * kColumns, at = row * y.columns + column;
                  const Terms part = {whole.rows + begin, whole.stride, pair.right->Panel(panel) + begin * kColumns, std::min(kDepth, whole.depth - begin)};
                  loops->multiply(part, rows, std::min(kColumns, y.columns - column), from ? from + at : nullptr, y.data + at, y.columns);
                }
                from = y.data;
              }
            }
          }};
}

std::vector<float> Scaled(const Numbers &u, float scale) {
  std::vector<float> scaled(u.data, u.data + Size(u.shape));
  for (float &number : scaled) number *= scale;
  return scaled;
}

enum { kTransposeA, kTransposeB, kRounded, kHalves };

// [sum +] a·b [+ scale · u·v], v transposed where b is.
void Product(Call &call, const Attributes &attributes, bool adapted) {
  const int sums = call.Inputs() - (adapted ? 4 : 2);
  const Numbers a = call.Input(sums), b = call.Input(sums + 1);
  const Numbers u = adapted ? call.Input(sums + 2) : Numbers(nullptr), v = adapted ? call.Input(sums + 3) : Numbers(nullptr);
  const bool *flags = attributes.flags;
  const ProductLoops *loops = flags[kRounded] ? bfloat16_products : float_products;
  call.Expect(loops != nullptr, "this processor has no products of bfloat16");
  call.Expect(a.shape.size() == 2 && b.shape.size() == 2, "a and b are matrices");
  if (!call.ok) return;
  const int64_t rows = a.shape[flags[kTransposeA]], depth = a.shape[!flags[kTransposeA]];
  const int64_t width = b.shape[1] * (flags[kHalves] ? 2 : 1);
  const int64_t columns = flags[kTransposeB] ? b.shape[0] : width;
  call.Expect((flags[kTransposeB] ? width : b.shape[0]) == depth, "a and b are [N, K] and [K, M], or transposed");
  if (!call.ok) return;
  const int64_t rank = adapted ? Width(u.shape) : 0;
  call.Expect(!adapted || (u.shape == Shape{rows, rank} && v.shape == (flags[kTransposeB] ? Shape{columns, rank} : Shape{rank, columns})), "u and v are [N, r] and [r, M], the latter transposed where b is");
  if (!call.ok) return;
  bool over = false;
  const Numbers y = sums > 0 ? call.OutputOver(0, 0, {rows, columns}, &over) : call.Output(0, {rows, columns});
  const Numbers before = sums > 0 && !over ? call.Input(0) : Numbers(nullptr);
  call.Expect(before.data == nullptr || before.shape == y.shape, "the sum so far has the result's shape");
  if (!call.ok) return;

  const Left left(loops, {a.data, false, Width(a.shape), flags[kTransposeA]}, rows, depth);
  const Right right(loops, {b.data, flags[kHalves], width, !flags[kTransposeB]}, depth, columns);
  std::vector<Stage> stages = {left.Lay(), right.Lay()};
  std::vector<Pair> pairs = {{&left, &right}};
  const std::vector<float> scaled = adapted ? Scaled(u, attributes.number) : std::vector<float>();
  const Left low(loops, {scaled.data(), false, rank, false}, adapted ? rows : 0, rank);
  const Right change(loops, {v.data, false, adapted ? Width(v.shape) : 0, !flags[kTransposeB]}, rank, adapted ? columns : 0);
  if (adapted) {
    stages.push_back(low.Lay());
    stages.push_back(change.Lay());
    pairs.push_back({&low, &change});
  }
  stages.push_back(Multiply(loops, pairs, {over ? y.data : before.data, y.data, rows, columns}));
  RunStages(stages);
}

void PlainProduct(Call &call, const Attributes &attributes) { Product(call, attributes, false); }
void AdaptedProduct(Call &call, const Attributes &attributes) { Product(call, attributes, true); }

}  // namespace

void RegisterProduct() {
  const std::vector<const char *> flags = {"transpose_a", "transpose_b", "rounded", "halves"};
  Register<PlainProduct>({"VerletProduct", {"before: sums * float", "a", "b"}, {"y"}, nullptr, flags, "sums"});
  Register<AdaptedProduct>({"VerletAdaptedProduct", {"before: sums * float", "a", "b", "u", "v"}, {"y"}, "scale", flags, "sums"});
}

}  // namespace verlet
