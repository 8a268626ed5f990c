#include "loops.h"

#include <cmath>
#include <cstring>

#include "choice_loops.h"
#include "decode_loops.h"
#include "memory.h"
#include "processors.h"

namespace verlet {

namespace plain {
#define VERLET_LANES 4
#define VERLET_SUMS 12
#include "loops.inc"
#include "choice_loops.inc"
#include "decode_loops.inc"
}  // namespace plain

VERLET_BEGIN("arch=haswell")
namespace avx2 {
#define VERLET_LANES 8
#define VERLET_SUMS 12
#include "loops.inc"
#include "choice_loops.inc"
#include "decode_loops.inc"
}  // namespace avx2
VERLET_END

VERLET_BEGIN("arch=skylake-avx512")
namespace avx512 {
#define VERLET_LANES 16
#define VERLET_SUMS 28
#include "loops.inc"
#include "choice_loops.inc"
#include "decode_loops.inc"
}  // namespace avx512
VERLET_END

const Loops *const loops = Fitting(plain::loops, avx2::loops, avx512::loops);
const ChoiceLoops *const choice_loops = Fitting(plain::choice_loops, avx2::choice_loops, avx512::choice_loops);
const DecodeLoops *const decode_loops = Fitting(plain::decode_loops, avx2::decode_loops, avx512::decode_loops);

}  // namespace verlet
