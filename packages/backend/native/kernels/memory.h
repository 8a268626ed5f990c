// Memory that begins and ends with lines of the processor's cache.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace verlet {

constexpr int64_t kLine = 16;  // numbers in a line of the cache

struct Free {
  void operator()(float *memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<float, Free>;

inline int64_t WholeLines(int64_t numbers) { return (numbers + kLine - 1) / kLine * kLine; }

inline Memory Allocate(int64_t numbers) { return Memory(static_cast<float *>(std::aligned_alloc(kLine * sizeof(float), WholeLines(numbers) * sizeof(float)))); }

// Memory that a thread keeps from one computation to the next.
class Scratch {
 public:
  float *Numbers(int64_t count) {
    if (count > size_) memory_ = Allocate(size_ = count);
    return memory_.get();
  }

 private:
  Memory memory_;
  int64_t size_ = 0;
};

}  // namespace verlet
