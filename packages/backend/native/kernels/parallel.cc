#include "parallel.h"

#include "stages.h"

namespace verlet {
namespace {

// Below so many numbers the work is done sooner than another thread has woken up.
constexpr int64_t kLittle = 32768;

}  // namespace

void ForBlocks(int64_t rows, int64_t block, int64_t numbers, const std::function<void(int64_t, int64_t)> &work) {
  const Stage stage{(rows + block - 1) / block, [&](int64_t i) { work(i * block, (i + 1) * block < rows ? (i + 1) * block : rows); }};
  if (numbers >= kLittle && stage.blocks > 1) return RunStages({stage});
  for (int64_t i = 0; i < stage.blocks; i++) stage.work(i);
}

}  // namespace verlet
