// Rows shared out over threads. Which thread takes which rows is left to chance, what is computed of them is not.

#pragma once

#include <cstdint>
#include <functional>

namespace verlet {

// work(first, last) over all rows in blocks of `block`, in the order that threads come by. Returns when all are done.
// `numbers` is about how many numbers are read and written in all: little work stays on this thread.
void ForBlocks(int64_t rows, int64_t block, int64_t numbers, const std::function<void(int64_t, int64_t)> &work);

// The same in blocks that suit a processor's cache.
inline void ForRows(int64_t rows, int64_t numbers, const std::function<void(int64_t, int64_t)> &work) {
  const int64_t each = rows > 0 ? numbers / rows : 0;
  const int64_t block = 16384 / (each + 1) + 1;
  ForBlocks(rows, block, numbers, work);
}

}  // namespace verlet
