#include "product_parts.h"

#include <algorithm>
#include <utility>

namespace verlet {
namespace {

constexpr int64_t kRows = 256;    // rows of `kDepth` elements stay in a core's cache
constexpr int64_t kDepth = 512;
constexpr int64_t kMore = 64;     // a sum may be longer by so much rather than be added up in two parts
constexpr int64_t kPanels = 4;    // that such rows meet in a block
constexpr int64_t kBlocks = 16;   // enough for threads to end at about the same time
constexpr int64_t kFewRows = 64;  // fewer in a block save nothing
constexpr int64_t kLayRows = 32;  // rows laid out by a thread at a time
constexpr int64_t kPart = 128;    // numbers of a sum whose part of a panel stays in the cache next to the core

int64_t Elements(const ProductLoops *loops, int64_t numbers) { return (numbers + loops->each - 1) / loops->each; }

}  // namespace

Left::Left(const ProductLoops *loops, const Source &from, int64_t rows, int64_t depth)
    : loops_(loops), from_(from), rows_(rows), depth_(depth), elements_(Elements(loops, depth)), stride_(from.stride) {
  if (lies()) return;
  stride_ = WholeLines(elements_) + kLine;  // lest rows of a power of two share a place in the cache
  memory_ = Allocate(rows * stride_);
}

void Left::Lay(int64_t first, int64_t rows) const {
  if (!lies()) loops_->lay_rows(from_, first, rows, depth_, memory_.get() + first * stride_, stride_);
}

Stage Left::Lay() const {
  return {lies() ? 0 : (rows_ + kLayRows - 1) / kLayRows, [this](int64_t block) { Lay(block * kLayRows, std::min(kLayRows, rows_ - block * kLayRows)); }};
}

Terms Left::Row(int64_t row) const {
  const float *data = lies() ? static_cast<const float *>(from_.numbers) : memory_.get();
  return {data + row * stride_, stride_, nullptr, elements_};
}

Source Left::Across(int64_t row) const { return {Row(row).rows, from_.halves || loops_->each > 1, stride_ * loops_->each, true}; }

Right::Right(const ProductLoops *loops, const Source &from, int64_t depth, int64_t columns)
    : loops_(loops), from_(from), depth_(depth), columns_(columns), elements_(Elements(loops, depth)), memory_(Allocate(Panels(columns) * elements_ * kColumns)) {}

Stage Right::Lay() const {
  return {Panels(columns_), [this](int64_t panel) {
            const int64_t first = panel * kColumns;
            loops_->lay_panel(from_, first, std::min(kColumns, columns_ - first), depth_, memory_.get() + first * elements_);
          }};
}

// A sum longer than `kDepth` is added up in parts.
void MultiplyBlock(const ProductLoops *loops, const std::vector<Pair> &pairs, const Block &block, int64_t columns, const float *before, float *y, int64_t stride) {
  const float *from = before;
  std::vector<Terms> parts;  // with the first of the panels
  std::vector<int64_t> sizes;
  int64_t depth = 0;
  const auto add = [&] {
    for (int64_t panel = block.first; panel < block.last; panel++) {
      const int64_t at = (panel - block.first) * kColumns;
      loops->multiply(parts.data(), parts.size(), block.rows, std::min(kColumns, columns - panel * kColumns), from ? from + at : nullptr, y + at, stride);
      for (size_t i = 0; i < parts.size(); i++) parts[i].panel += sizes[i];
    }
    from = y;
    depth = 0;
    parts.clear();
    sizes.clear();
  };
  for (const Pair &pair : pairs) {
    const Terms whole = pair.left->Row(block.row);
    for (int64_t begin = 0; begin < whole.depth; begin += kDepth) {
      const int64_t own = std::min(kDepth, whole.depth - begin);
      if (depth + own > kDepth + kMore) add();
      parts.push_back({whole.rows + begin, whole.stride, pair.right->Panel(block.first) + begin * kColumns, own});
      sizes.push_back(whole.depth * kColumns);
      depth += own;
    }
  }
  add();
}

// In blocks of rows and panels: rows that a core's cache can hold meet some panels one after the other. What a block computes
// does not depend on the others.
Stage Multiply(const ProductLoops *loops, std::vector<Pair> pairs, Target y) {
  const int64_t panels = Panels(y.columns), groups = (panels + kPanels - 1) / kPanels;
  const int64_t wanted = std::max((y.rows + kRows - 1) / kRows, std::min(kBlocks / groups, y.rows / kFewRows));
  const int64_t chunks = std::max<int64_t>(1, wanted), each = (y.rows + chunks - 1) / chunks;
  return {groups * chunks, [=](int64_t block) {
            const int64_t row = block / groups * each, first = block % groups * kPanels, at = row * y.columns + first * kColumns;
            const Block own = {row, std::min(each, y.rows - row), first, std::min(first + kPanels, panels)};
            MultiplyBlock(loops, pairs, own, y.columns, y.before ? y.before + at : nullptr, y.data + at, y.columns);
          }};
}

void MultiplyTurned(const ProductLoops *loops, const float *left, int64_t r, Source right, int64_t columns, int64_t rows, float *sum) {
  const int64_t elements = Elements(loops, kPart);
  Scratch scratch(WholeLines(r * elements) + kColumns * elements);
  float *turned = scratch.Take(r * elements), *panel = scratch.Take(kColumns * elements);
  for (int64_t begin = 0; begin < rows; begin += kPart) {
    const int64_t numbers = std::min(kPart, rows - begin);
    loops->lay_rows({left + begin * r, false, r, true}, 0, r, numbers, turned, elements);
    const Terms terms = {turned, elements, panel, Elements(loops, numbers)};
    for (int64_t column = 0; column < columns; column += kColumns) {
      const int64_t count = std::min(kColumns, columns - column);
      loops->lay_panel(right, column, count, numbers, panel);
      loops->multiply(&terms, 1, r, count, begin > 0 ? sum + column : nullptr, sum + column, columns);
    }
    right.numbers = static_cast<const char *>(right.numbers) + kPart * right.stride * (right.halves ? sizeof(uint16_t) : sizeof(float));
  }
}

Stage Together(std::vector<Stage> stages) {
  int64_t blocks = 0;
  for (const Stage &stage : stages) blocks += stage.blocks;
  return {blocks, [stages = std::move(stages)](int64_t block) {
            for (const Stage &stage : stages) {
              if (block < stage.blocks) return stage.work(block);
              block -= stage.blocks;
            }
          }};
}

}  // namespace verlet
