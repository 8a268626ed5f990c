// One token of each row of logits, as choose-on-host.ts in packages/rollout defines it: temperature, top-k, top-p, min-p, and
// the draw that inverts the cumulative distribution. Sums over blocks are float32, those over a row double.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "choice_loops.h"
#include "kernels.h"
#include "op.h"
#include "parallel.h"

namespace verlet {
namespace {

constexpr int64_t kBlock = 128;           // tokens that are added up before one of them is looked for
constexpr int64_t kSteps = 16;            // classes of likelihood to a factor of e, for top-p
constexpr int64_t kClasses = 96 * kSteps;  // beyond, exp is 0
constexpr float kGone = -std::numeric_limits<float>::infinity();

struct Settings {
  float temperature;
  int64_t topK;
  float topP, minP;
};

struct Candidate {
  float z, weight;
};

// Room for one row; each thread has its own.
struct Room {
  std::vector<float> z, weights;
  std::vector<double> sums;  // of each block, or of each class
  std::vector<Candidate> candidates;
};

// The k-th highest. What is lower than the k-th highest of the blocks' highest cannot be it.
float KthHighest(const float *z, int64_t n, int64_t k, Room &room) {
  std::vector<float> &found = room.weights;
  found.clear();
  for (int64_t i = 0; i < n; i += kBlock) found.push_back(choice_loops->highest(z + i, std::min(kBlock, n - i)));
  const int64_t blocks = found.size();
  float least = kGone;
  if (k < blocks) {
    std::nth_element(found.begin(), found.begin() + (k - 1), found.end(), std::greater<float>());
    least = found[k - 1];
  }
  found.clear();
  for (int64_t i = 0; i < n; i++) {
    if (z[i] >= least) found.push_back(z[i]);
  }
  if (static_cast<int64_t>(found.size()) < k) return kGone;  // some are not numbers
  std::nth_element(found.begin(), found.begin() + (k - 1), found.end(), std::greater<float>());
  return found[k - 1];
}

// The lowest logit that top-p keeps of those from `border` on: a token stays while the better ones hold less than p of the
// whole. `split` where it keeps some of several equal ones.
float Nucleus(const float *z, int64_t n, float top, float border, float p, Room &room, bool *split) {
  room.weights.resize(n);
  room.sums.assign(kClasses, 0);
  const auto classOf = [&](float number) {
    const float below = (top - number) * kSteps;
    return below < kClasses - 1 ? static_cast<int64_t>(below) : kClasses - 1;
  };
  choice_loops->weigh(z, top, border, room.weights.data(), n);
  double total = 0;
  for (int64_t i = 0; i < n; i++) {
    if (room.weights[i] > 0) room.sums[classOf(z[i])] += room.weights[i];
  }
  for (const double sum : room.sums) total += sum;
  const double limit = total * p;

  int64_t last = 0;
  double better = 0;
  while (last < kClasses - 1 && better + room.sums[last] < limit) better += room.sums[last++];
  while (last > 0 && room.sums[last] == 0) better -= room.sums[--last];  // rounding carried past the last that is there
  std::vector<Candidate> &candidates = room.candidates;
  candidates.clear();
  for (int64_t i = 0; i < n; i++) {
    if (room.weights[i] > 0 && classOf(z[i]) == last) candidates.push_back({z[i], room.weights[i]});
  }
  if (candidates.empty()) return border;  // some are not numbers
  std::sort(candidates.begin(), candidates.end(), [](const Candidate &a, const Candidate &b) { return a.z > b.z; });
  better += candidates[0].weight;
  size_t kept = 1;
  while (kept < candidates.size() && better < limit) better += candidates[kept++].weight;
  const float least = candidates[kept - 1].z;
  *split = kept < candidates.size() && candidates[kept].z == least;
  return least;
}

// The first token whose running sum exceeds u of the whole; `total` becomes the whole.
int64_t Draw(const float *z, int64_t n, float top, float border, float u, Room &room, double *total) {
  room.sums.clear();
  *total = 0;
  for (int64_t i = 0; i < n; i += kBlock) {
    room.sums.push_back(choice_loops->weigh(z + i, top, border, nullptr, std::min(kBlock, n - i)));
    *total += room.sums.back();
  }
  const double target = u * *total;
  double before = 0;
  const int64_t blocks = room.sums.size();
  int64_t block = 0;
  while (block < blocks - 1 && !(before + room.sums[block] > target)) before += room.sums[block++];
  float weights[kBlock];
  const int64_t first = block * kBlock, count = std::min(kBlock, n - first);
  choice_loops->weigh(z + first, top, border, weights, count);
  int64_t last = 0;  // that can be drawn: its block's sum may be a rounding error higher than the sum of its numbers
  for (int64_t i = 0; i < count; i++) {
    if (!(weights[i] > 0)) continue;
    last = i;
    before += weights[i];
    if (before > target) break;
  }
  return first + last;
}

int64_t First(const float *z, int64_t n, float top) {
  int64_t at = 0;
  while (at < n - 1 && z[at] != top) at++;
  return at;
}

struct Chosen {
  int64_t id;
  double logProb;
  bool open;  // top-p parts equal logits
};

Chosen ChooseOf(const float *logits, int64_t n, const Settings &settings, float u) {
  static thread_local Room room;
  const bool greedy = settings.temperature == 0;
  const float *z = logits;
  if (!greedy && settings.temperature != 1) {
    room.z.resize(n);
    choice_loops->divide(logits, settings.temperature, room.z.data(), n);
    z = room.z.data();
  }
  bool split = false;
  const float top = choice_loops->highest(z, n);
  float border = kGone;
  if (settings.topK > 0 && settings.topK < n) border = KthHighest(z, n, settings.topK, room);
  if (settings.topP < 1) border = Nucleus(z, n, top, border, settings.topP, room, &split);
  if (settings.minP > 0) border = std::max(border, top + std::log(settings.minP));
  double total = 0;
  const int64_t drawn = Draw(z, n, top, border, u, room, &total);
  const int64_t chosen = greedy ? First(z, n, top) : drawn;
  return {chosen, z[chosen] - top - std::log(total), split};
}

void Choose(Call &call, const Attributes &) {
  const Numbers logits = call.Input(0), uniforms = call.Input(1), filters = call.Input(2);
  if (!call.ok) return;
  call.Expect(logits.shape.size() == 2 && Width(logits.shape) > 0 && uniforms.shape == Shape{logits.shape[0]} && filters.shape == Shape{4}, "logits are [B, V], uniforms [B], filters temperature, top-k, top-p and min-p");
  if (!call.ok) return;
  const int64_t rows = logits.shape[0], n = logits.shape[1];
  const Numbers chosen = call.Output(0, {3, rows});
  if (!call.ok) return;
  const Settings settings{filters.data[0], static_cast<int64_t>(filters.data[1]), filters.data[2], filters.data[3]};
  ForBlocks(rows, 1, 4 * rows * n, [&](int64_t row, int64_t) {
    const Chosen own = ChooseOf(logits.data + row * n, n, settings, uniforms.data[row]);
    chosen.data[row] = static_cast<float>(own.id);
    chosen.data[rows + row] = static_cast<float>(own.logProb);
    chosen.data[2 * rows + row] = own.open;
  });
}

}  // namespace

void RegisterChoice() { Register<Choose>({"VerletChoose", {"logits", "uniforms", "filters"}, {"chosen"}}); }

}  // namespace verlet
