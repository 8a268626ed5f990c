// Products of matrices whose factors are made bfloat16 on their way into the processor's cache.

#include "kernels.h"
#include "op.h"
#include "product_parts.h"

namespace verlet {
namespace {

enum { kTransposeA, kTransposeB, kRounded, kHalves };

// [sum +] a·b
void Product(Call &call, const Attributes &attributes) {
  const int sums = call.Inputs() - 2;
  const Numbers a = call.Input(sums), b = call.Input(sums + 1);
  const bool *flags = attributes.flags;
  const ProductLoops *loops = flags[kRounded] ? bfloat16_products : float_products;
  call.Expect(loops != nullptr, "this processor has no products of bfloat16");
  call.Expect(a.shape.size() == 2 && b.shape.size() == 2, "a and b are matrices");
  if (!call.ok) return;
  const int64_t rows = a.shape[flags[kTransposeA]], depth = a.shape[!flags[kTransposeA]];
  const int64_t width = b.shape[1] * (flags[kHalves] ? 2 : 1);
  const int64_t columns = flags[kTransposeB] ? b.shape[0] : width;
  call.Expect((flags[kTransposeB] ? width : b.shape[0]) == depth, "a and b are [N, K] and [K, M], or transposed");
  if (!call.ok) return;
  const Sum y(call, sums, 1, {rows, columns});
  if (!call.ok) return;

  const Left left(loops, {a.data, false, Width(a.shape), flags[kTransposeA]}, rows, depth);
  const Right right(loops, {b.data, flags[kHalves], width, !flags[kTransposeB]}, depth, columns);
  RunStages({Together({left.Lay(), right.Lay()}), Multiply(loops, {{&left, &right}}, {y.before(), y.data(), rows, columns})});
}

}  // namespace

void RegisterProduct() {
  Register<Product>({"VerletProduct", {"before: sums * float", "a", "b"}, {"y"}, nullptr, {"transpose_a", "transpose_b", "rounded", "halves"}, {"sums"}});
}

}  // namespace verlet
