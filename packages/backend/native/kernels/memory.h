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

// Memory that a thread keeps from block to block; there is one at a time.
class Scratch {
 public:
  explicit Scratch(int64_t numbers) {
    if (numbers > size) memory.reset(), memory = Allocate(size = numbers);
    next_ = memory.get();
  }
  float *Take(int64_t numbers) {
    float *part = next_;
    next_ += WholeLines(numbers);
    return part;
  }

 private:
  static inline thread_local Memory memory;
  static inline thread_local int64_t size = 0;
  float *next_;
};

}  // namespace verlet
