#include "loops.h"

#include "decode_loops.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

// Everything between the two is compiled for the processor named.
#ifdef __clang__
#define VERLET_PRAGMA(text) _Pragma(#text)
#define VERLET_BEGIN(processor) VERLET_PRAGMA(clang attribute push(__attribute__((target("arch=" processor))), apply_to = function))
#define VERLET_END _Pragma("clang attribute pop")
#else
#define VERLET_PRAGMA(text) _Pragma(#text)
#define VERLET_BEGIN(processor) _Pragma("GCC push_options") VERLET_PRAGMA(GCC target("arch=" processor))
#define VERLET_END _Pragma("GCC pop_options")
#endif

namespace verlet {

namespace plain {
#include "loops.inc"
#define VERLET_ROWS 1
#include "decode_loops.inc"
}  // namespace plain

VERLET_BEGIN("haswell")
namespace avx2 {
#include "loops.inc"
#define VERLET_ROWS 3
#include "decode_loops.inc"
}  // namespace avx2
VERLET_END

VERLET_BEGIN("skylake-avx512")
namespace avx512 {
#include "loops.inc"
#define VERLET_ROWS 8
#include "decode_loops.inc"
}  // namespace avx512
VERLET_END

// The best that the processor has, or a lesser one that the environment names.
template <typename T>
static const T *Fitting(const T &plain, const T &avx2, const T &avx512) {
  __builtin_cpu_init();
  const char *wanted = std::getenv("VERLET_SIMD");
  const std::string most = wanted ? wanted : "avx512";
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (has_avx512 && most == "avx512") return &avx512;
  if (has_avx2 && most != "none") return &avx2;
  return &plain;
}

const Loops *const loops = Fitting(plain::loops, avx2::loops, avx512::loops);
const DecodeLoops *const decode_loops = Fitting(plain::decode_loops, avx2::decode_loops, avx512::decode_loops);

}  // namespace verlet
