// One source compiled for several kinds of processor, of which the best is taken when it is loaded.

#pragma once

#include <cstdlib>
#include <string>

// Everything between the two is compiled for the processor named, in the words of the compiler's attribute `target`.
#ifdef __clang__
#define VERLET_PRAGMA(text) _Pragma(#text)
#define VERLET_BEGIN(processor) VERLET_PRAGMA(clang attribute push(__attribute__((target(processor))), apply_to = function))
#define VERLET_END _Pragma("clang attribute pop")
#else
#define VERLET_PRAGMA(text) _Pragma(#text)
#define VERLET_BEGIN(processor) _Pragma("GCC push_options") VERLET_PRAGMA(GCC target(processor))
#define VERLET_END _Pragma("GCC pop_options")
#endif

#define VERLET_INLINE __attribute__((always_inline)) static inline

// i over a row of n, a vector at a time.
#define VERLET_ROW(i, n) for (int64_t i = 0; i < (n); i += kLanes)

namespace verlet {

// The best that the processor has, or a lesser one that the environment names.
template <typename T>
const T *Fitting(const T &plain, const T &avx2, const T &avx512) {
  __builtin_cpu_init();
  const char *wanted = std::getenv("VERLET_SIMD");
  const std::string most = wanted ? wanted : "avx512";
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (has_avx512 && most == "avx512") return &avx512;
  if (has_avx2 && most != "none") return &avx2;
  return &plain;
}

}  // namespace verlet
