#include "loops.h"

#include <cmath>
#include <cstring>

#include "decode_loops.h"
#include "processors.h"

namespace verlet {

namespace plain {
#include "loops.inc"
#define VERLET_ROWS 1
#include "decode_loops.inc"
}  // namespace plain

VERLET_BEGIN("arch=haswell")
namespace avx2 {
#include "loops.inc"
#define VERLET_ROWS 3
#include "decode_loops.inc"
}  // namespace avx2
VERLET_END

VERLET_BEGIN("arch=skylake-avx512")
namespace avx512 {
#include "loops.inc"
#define VERLET_ROWS 14
#include "decode_loops.inc"
}  // namespace avx512
VERLET_END

const Loops *const loops = Fitting(plain::loops, avx2::loops, avx512::loops);
const DecodeLoops *const decode_loops = Fitting(plain::decode_loops, avx2::decode_loops, avx512::decode_loops);

}  // namespace verlet
