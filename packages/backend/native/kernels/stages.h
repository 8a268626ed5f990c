// Work in stages, each of which needs what the one before it made: too little in each to wake threads up for it.

#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace verlet {

struct Stage {
  // Blocks that may run side by side, in any order.
  int64_t blocks;
  std::function<void(int64_t)> work;
};

// Runs the stages one after the other, the blocks of each shared out over threads as they come by. What is computed does
// not depend on how many threads there are.
void RunStages(const std::vector<Stage> &stages);

}  // namespace verlet
