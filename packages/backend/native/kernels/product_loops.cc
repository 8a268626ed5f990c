#include "product_loops.h"

#include <cstring>

#include "processors.h"

// Products of bfloat16 need a compiler that knows the instructions.
#if defined(__x86_64__) && (defined(__clang__) ? __clang_major__ >= 9 : __GNUC__ >= 10)
#define VERLET_BFLOAT16 1
#include <cpuid.h>
#include <immintrin.h>
#else
#define VERLET_BFLOAT16 0
#endif

namespace verlet {

namespace plain {
#define VERLET_LANES 4
#define VERLET_ROWS 6
#define VERLET_PAIRS 0
#include "product_loops.inc"
}  // namespace plain

VERLET_BEGIN("arch=haswell")
namespace avx2 {
#define VERLET_LANES 8
#define VERLET_ROWS 6
#define VERLET_PAIRS 0
#include "product_loops.inc"
}  // namespace avx2
VERLET_END

VERLET_BEGIN("arch=skylake-avx512")
namespace avx512 {
#define VERLET_LANES 16
#define VERLET_ROWS 8
#define VERLET_PAIRS 0
#include "product_loops.inc"
}  // namespace avx512
VERLET_END

const ProductLoops *const float_products = Fitting(plain::products, avx2::products, avx512::products);
const bool fast_products = float_products == &avx512::products;

#if VERLET_BFLOAT16

VERLET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")
namespace bfloat16 {
#define VERLET_LANES 16
#define VERLET_ROWS 8
#define VERLET_PAIRS 1
#include "product_loops.inc"
}  // namespace bfloat16
VERLET_END

static bool HasPairs() {
  if (!fast_products) return false;
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool tiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1);
  return !tiles && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
}

const ProductLoops *const bfloat16_products = HasPairs() ? &bfloat16::products : nullptr;

#else

const ProductLoops *const bfloat16_products = nullptr;

#endif

}  // namespace verlet
