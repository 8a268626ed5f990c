// Causal attention over blocks of queries that a core's cache can hold, and its gradient from scores that are computed again.

#include <algorithm>

#include "kernels.h"
#include "loops.h"
#include "memory.h"
#include "op.h"
#include "product_loops.h"
#include "stages.h"

namespace verlet {
namespace {

constexpr int64_t kQueries = 64;      // of a block, a multiple of a panel's columns
constexpr int64_t kScores = 1 << 18;  // of a block at most
constexpr int64_t kKeys = 256;        // that a block of the gradient takes at a time
constexpr int64_t kDepth = 128;       // elements of a sum taken at a time
constexpr int64_t kTasks = 16;        // enough for threads to end at about the same time
constexpr int64_t kSumTokens = 64;    // whose gradients are added up at a time

int64_t Blocks(int64_t size, int64_t of) { return (size + of - 1) / of; }

// The sizes of q [B, T, heads, D] and of k and v [B, T, kvHeads, D].
struct Sizes {
  int64_t batch, width, heads, kv_heads, dim;
  int64_t Shared() const { return heads / kv_heads; }
};

// One head's rows of a tensor [B, T, heads, D].
struct Head {
  float *data;
  int64_t stride;
  Head(const Numbers &x, const Sizes &sizes, int64_t row, int64_t head) : Head(x.data, sizes, x.shape[2], row, head) {}
  Head(float *x, const Sizes &sizes, int64_t heads, int64_t row, int64_t head) : data(x + (row * sizes.width * heads + head) * sizes.dim), stride(heads * sizes.dim) {}
  float *Row(int64_t token) const { return data + token * stride; }
  Source From(int64_t token, bool across = false) const { return {Row(token), false, stride, across}; }
};

// The products of a number format, of matrices that are in the cache or laid out for it.
struct Format {
  const ProductLoops *loops;

  int64_t Elements(int64_t depth) const { return Blocks(depth, loops->each); }
  int64_t PanelNumbers(int64_t depth, int64_t columns) const { return Blocks(columns, kColumns) * kColumns * Elements(depth); }

  void LayPanels(const Source &from, int64_t depth, int64_t columns, float *to) const {
    for (int64_t column = 0; column < columns; column += kColumns) loops->lay_panel(from, column, std::min(kColumns, columns - column), depth, to + column * Elements(depth));
  }

  // y [rows, columns] = [y +] left · right, where a part of `depth` elements from `begin` on is taken of panels of `elements`.
  void Multiply(const float *left, int64_t stride, int64_t rows, const float *panels, int64_t elements, int64_t begin, int64_t depth, int64_t columns, bool adds, float *y, int64_t y_stride) const {
    for (int64_t at = 0; at < depth; at += kDepth, adds = true) {
      for (int64_t column = 0; column < columns; column += kColumns) {
        const Terms terms = {left + at, stride, panels + column * elements + (begin + at) * kColumns, std::min(kDepth, depth - at)};
        loops->multiply(&terms, 1, rows, std::min(kColumns, columns - column), adds ? y + column : nullptr, y + column, y_stride);
      }
    }
  }
};

// The inputs from `first` on: q, k, v and the sequences.
struct Inputs {
  Numbers q, k, v, sequences;
  Sizes sizes{};
  Format format{};
  float scale;

  Inputs(Call &call, const Attributes &attributes, int first)
      : q(call.Input(first)), k(call.Input(first + 1)), v(call.Input(first + 2)), sequences(call.Input(first + 3)), format{attributes.flags[0] ? bfloat16_products : float_products}, scale(attributes.number) {
    call.Expect(format.loops != nullptr, "this processor has no products of bfloat16");
    call.Expect(q.shape.size() == 4 && k.shape.size() == 4 && v.shape == k.shape, "q is [B, T, heads, D], k and v are [B, T, kvHeads, D]");
    if (!call.ok) return;
    sizes = {q.shape[0], q.shape[1], q.shape[2], k.shape[2], q.shape[3]};
    const bool groups = sizes.kv_heads > 0 && sizes.heads % sizes.kv_heads == 0;
    call.Expect(groups && k.shape == Shape{sizes.batch, sizes.width, sizes.kv_heads, sizes.dim}, "q is [B, T, heads, D], k and v are [B, T, kvHeads, D], heads a multiple of kvHeads");
    call.Expect(Size(sequences.shape) == 0 || sequences.shape == Shape{sizes.batch, sizes.width}, "sequences are [B, T] or empty");
  }

  // Null where there is one sequence.
  const float *Sequences(int64_t row) const { return Size(sequences.shape) > 0 ? sequences.data + row * sizes.width : nullptr; }
};

void Attention(Call &call, const Attributes &attributes) {
  const Inputs in(call, attributes, 0);
  if (!call.ok) return;
  const Sizes &sizes = in.sizes;
  const Format &format = in.format;
  const int64_t width = sizes.width, dim = sizes.dim;
  const Numbers out = call.Output(0, in.q.shape), log_sums = call.Output(1, {sizes.batch, sizes.heads, width});
  if (!call.ok || Size(out.shape) == 0) return;

  const int64_t key_numbers = format.PanelNumbers(dim, width), value_numbers = format.PanelNumbers(width, dim);
  const Memory keys = Allocate(sizes.batch * sizes.kv_heads * key_numbers), values = Allocate(sizes.batch * sizes.kv_heads * value_numbers);
  const Stage lay = {sizes.batch * sizes.kv_heads, [&](int64_t i) {
                       const int64_t row = i / sizes.kv_heads, head = i % sizes.kv_heads;
                       format.LayPanels(Head(in.k, sizes, row, head).From(0), dim, width, keys.get() + i * key_numbers);
                       format.LayPanels(Head(in.v, sizes, row, head).From(0, true), width, dim, values.get() + i * value_numbers);
                     }};

  const int64_t each = std::max<int64_t>(8, std::min(kQueries, kScores / width)), blocks = Blocks(width, each);
  const Stage mix = {sizes.batch * sizes.heads * blocks, [&](int64_t i) {
                       const int64_t head = i / blocks % sizes.heads, row = i / blocks / sizes.heads;
                       const int64_t begin = (blocks - 1 - i % blocks) * each, end = std::min(begin + each, width), rows = end - begin;
                       const int64_t group = row * sizes.kv_heads + head / sizes.Shared();
                       const int64_t across = format.Elements(dim), stride = WholeLines(end) + kLine;  // lest rows of a power of two share a place in the cache
                       Scratch scratch(WholeLines(rows * across) + 2 * rows * stride);
                       float *queries = scratch.Take(rows * across), *scores = scratch.Take(rows * stride);
                       format.loops->lay_rows(Head(in.q, sizes, row, head).From(begin), 0, rows, dim, queries, across);
                       for (int64_t key = 0; key < end; key += kColumns) {
                         const int64_t first = std::max<int64_t>(0, key - begin);  // query that sees one of the keys
                         format.Multiply(queries + first * across, across, rows - first, keys.get() + group * key_numbers + key * across, across, 0, across, std::min(kColumns, end - key), false, scores + first * stride + key, stride);
                       }
                       float factors[kQueries];
                       loops->attention_weights({scores, stride, rows, end, begin + 1, in.scale, in.Sequences(row), log_sums.data + (row * sizes.heads + head) * width + begin, factors});
                       const float *p = scores;
                       if (format.loops->each > 1) {
                         float *laid = scratch.Take(rows * stride);
                         format.loops->lay_rows({scores, false, stride, false}, 0, rows, end, laid, stride);
                         p = laid;
                       }
                       const Head to(out, sizes, row, head);
                       format.Multiply(p, stride, rows, values.get() + group * value_numbers, format.Elements(width), 0, format.Elements(end), dim, false, to.Row(begin), to.stride);
                       loops->scale_rows(to.Row(begin), factors, rows, to.stride, dim);
                     }};
  RunStages({lay, mix});
}

// With δ = Σ dout·out of a query, dS = scale · P·(dP − δ): dq = dS·k, dk = dSᵀ·q, dv = Pᵀ·dout, the last two summed over the
// queries of all heads that share a key head. A task takes some of their blocks; what tasks have in common is added up last.
void AttentionGrad(Call &call, const Attributes &attributes) {
  const Inputs in(call, attributes, 0);
  const Numbers out = call.Input(4), log_sums = call.Input(5), dout = call.Input(6);
  if (!call.ok) return;
  const Sizes &sizes = in.sizes;
  const Format &format = in.format;
  const int64_t width = sizes.width, dim = sizes.dim;
  call.Expect(out.shape == in.q.shape && dout.shape == in.q.shape && log_sums.shape == Shape{sizes.batch, sizes.heads, width}, "out and its gradient are [B, T, heads, D], the logarithms of the sums [B, heads, T]");
  const Numbers dq = call.Output(0, in.q.shape), dk = call.Output(1, in.k.shape), dv = call.Output(2, in.k.shape);
  if (!call.ok || Size(dq.shape) == 0) return;

  const int64_t groups = sizes.batch * sizes.kv_heads, across = format.Elements(dim), along = format.Elements(width);
  const int64_t row_numbers = WholeLines(width * across), panel_numbers = format.PanelNumbers(width, dim);
  const Memory keys = Allocate(groups * row_numbers), values = Allocate(groups * row_numbers), key_panels = Allocate(groups * panel_numbers);
  const Stage lay = {groups, [&](int64_t i) {
                       const Head key(in.k, sizes, i / sizes.kv_heads, i % sizes.kv_heads), value(in.v, sizes, i / sizes.kv_heads, i % sizes.kv_heads);
                       format.loops->lay_rows(key.From(0), 0, width, dim, keys.get() + i * row_numbers, across);
                       format.loops->lay_rows(value.From(0), 0, width, dim, values.get() + i * row_numbers, across);
                       format.LayPanels(key.From(0, true), width, dim, key_panels.get() + i * panel_numbers);
                     }};

  const int64_t blocks = Blocks(width, kQueries), tasks = std::min(blocks, Blocks(kTasks, groups));
  const int64_t size = Size(dk.shape);
  const Memory parts = Allocate(2 * (tasks - 1) * size);  // of all tasks but the first: dk and dv
  const Stage slopes = {groups * tasks, [&](int64_t i) {
                          const int64_t task = i % tasks, group = i / tasks, row = group / sizes.kv_heads, kv_head = group % sizes.kv_heads;
                          float *part = task > 0 ? parts.get() + 2 * (task - 1) * size : nullptr;
                          const Head own_dk(part ? part : dk.data, sizes, sizes.kv_heads, row, kv_head), own_dv(part ? part + size : dv.data, sizes, sizes.kv_heads, row, kv_head);
                          for (int64_t token = 0; token < width; token++) {
                            std::fill_n(own_dk.Row(token), dim, 0.f);
                            std::fill_n(own_dv.Row(token), dim, 0.f);
                          }
                          const int64_t query_panels = format.PanelNumbers(dim, kQueries), query_columns = format.PanelNumbers(kQueries, dim);
                          const int64_t half = format.Elements(kQueries), turned = format.Elements(kKeys) + kLine, tile = kKeys * kQueries;
                          Scratch scratch(2 * WholeLines(query_panels) + 2 * WholeLines(query_columns) + 4 * tile + kQueries * turned + 3 * kQueries);
                          float *q_panels = scratch.Take(query_panels), *dout_panels = scratch.Take(query_panels);
                          float *q_columns = scratch.Take(query_columns), *dout_columns = scratch.Take(query_columns);
                          float *scores = scratch.Take(tile), *dp = scratch.Take(tile), *turned_slopes = scratch.Take(kQueries * turned);
                          float *laid_p = scratch.Take(tile), *laid_slopes = scratch.Take(tile);
                          float *own_sums = scratch.Take(kQueries), *totals = scratch.Take(kQueries), *own = scratch.Take(kQueries);
                          const float *of = in.Sequences(row);

                          for (int64_t n = 0; n < sizes.Shared() * Blocks(blocks - task, tasks); n++) {
                            const int64_t head = kv_head * sizes.Shared() + n % sizes.Shared();
                            const int64_t begin = (task + n / sizes.Shared() * tasks) * kQueries, queries = std::min(kQueries, width - begin), end = begin + queries;
                            const Head q(in.q, sizes, row, head), o(out, sizes, row, head), d(dout, sizes, row, head), to(dq, sizes, row, head);
                            format.LayPanels(q.From(begin), dim, queries, q_panels);
                            format.LayPanels(d.From(begin), dim, queries, dout_panels);
                            format.LayPanels(q.From(begin, true), queries, dim, q_columns);
                            format.LayPanels(d.From(begin, true), queries, dim, dout_columns);
                            std::fill_n(own_sums, 3 * kQueries, 0.f);
                            for (int64_t query = 0; query < queries; query++) {
                              own_sums[query] = log_sums.data[(row * sizes.heads + head) * width + begin + query];
                              if (of) own[query] = of[begin + query];
                            }
                            loops->row_products(d.Row(begin), o.Row(begin), format.loops->each > 1, totals, queries, d.stride, dim);  // as dp sees it
                            for (int64_t key = 0; key < end; key += kKeys) {
                              const int64_t count = std::min(kKeys, end - key);
                              for (int64_t query = 0; query < queries; query += kColumns) {
                                const int64_t columns = std::min(kColumns, queries - query), seen = std::min(count, begin + query + columns - key);
                                if (seen <= 0) continue;
                                format.Multiply(keys.get() + group * row_numbers + key * across, across, seen, q_panels + query * across, across, 0, across, columns, false, scores + query, kQueries);
                                format.Multiply(values.get() + group * row_numbers + key * across, across, seen, dout_panels + query * across, across, 0, across, columns, false, dp + query, kQueries);
                              }
                              loops->attention_slopes({scores, dp, kQueries, count, queries, key - begin, in.scale, own_sums, totals, of ? own : nullptr, of ? of + key : nullptr});
                              const float *p = scores, *ds = dp;
                              if (format.loops->each > 1) {
                                format.loops->lay_rows({scores, false, kQueries, false}, 0, count, queries, laid_p, half);
                                format.loops->lay_rows({dp, false, kQueries, false}, 0, count, queries, laid_slopes, half);
                                p = laid_p;
                                ds = laid_slopes;
                              }
                              const int64_t rows = format.loops->each > 1 ? half : kQueries, elements = format.Elements(queries);
                              format.Multiply(p, rows, count, dout_columns, elements, 0, elements, dim, true, own_dv.Row(key), own_dv.stride);
                              format.Multiply(ds, rows, count, q_columns, elements, 0, elements, dim, true, own_dk.Row(key), own_dk.stride);
                              format.loops->lay_rows({dp, false, kQueries, true}, 0, queries, count, turned_slopes, turned);
                              format.Multiply(turned_slopes, turned, queries, key_panels.get() + group * panel_numbers, along, format.Elements(key), format.Elements(count), dim, key > 0, to.Row(begin), to.stride);
                            }
                          }
                        }};

  const int64_t tokens = tasks > 1 ? sizes.batch * width : 0, numbers = sizes.kv_heads * dim;
  const Stage sum = {Blocks(tokens, kSumTokens), [&](int64_t i) {
                       const int64_t first = i * kSumTokens * numbers, last = std::min(first + kSumTokens * numbers, size);
                       for (int64_t task = 1; task < tasks; task++) {
                         const float *part = parts.get() + 2 * (task - 1) * size;
                         for (int64_t at = first; at < last; at++) dk.data[at] += part[at];
                         for (int64_t at = first; at < last; at++) dv.data[at] += part[size + at];
                       }
                     }};
  RunStages({lay, slopes, sum});
}

}  // namespace

void RegisterAttention() {
  const std::vector<const char *> flags = {"rounded"};
  Register<Attention>({"VerletAttention", {"q", "k", "v", "sequences"}, {"out", "log_sums"}, "scale", flags});
  Register<AttentionGrad>({"VerletAttentionGrad", {"q", "k", "v", "sequences", "out", "log_sums", "dout"}, {"dq", "dk", "dv"}, "scale", flags});
}

}  // namespace verlet
