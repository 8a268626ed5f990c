/** verlet's own matrix products beside TensorFlow's: odd sizes, transposed factors, sums, adapters, pairs of bfloat16. */
import { adaptedLinearComposed, adaptedLinears, Bfloat16Weight, computeIn, gradientsOf, hasKernels, hasProducts, linear, matrixProduct, tf, type AdaptedWeight } from "@verlet/backend";
import { beforeAll, describe, expect, test } from "vitest";
import { trainingBackends, useBackend } from "../../../helpers/backends.js";
import { maxDifference, relativeL2 } from "../../../helpers/fixtures.js";
import { randomTensor } from "../../../helpers/tensors.js";

const native = trainingBackends.includes("native");

/** The nearest number of 8 bits. */
const rounded = (x: tf.Tensor2D): tf.Tensor2D => {
  const bits = new Uint32Array(Float32Array.from(x.dataSync()).buffer);
  const nearest = bits.map((b) => ((b + 0x7fff + ((b >>> 16) & 1)) & 0xffff0000) >>> 0);
  return tf.tensor2d(new Float32Array(nearest.buffer), x.shape);
};

/** As a training step computes them, twice: the second time added to the first. */
function summedGradients(forward: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: readonly tf.Tensor[]): number[][] {
  const variables = inputs.map((input) => tf.variable(input));
  const loss = (): tf.Scalar => tf.tidy(() => tf.sum(tf.square(forward(...variables))));
  const first = gradientsOf(loss, variables);
  const second = gradientsOf(loss, variables, first.gradients);
  const numbers = second.gradients.map((gradient) => [...gradient.dataSync()]);
  tf.dispose([variables, first.value, second]);
  return numbers;
}

describe.skipIf(!native)(`products${native ? "" : " [native is not here]"}`, () => {
  beforeAll(() => useBackend("native"));

  const shapes = [[1, 1, 1], [3, 5, 7], [8, 32, 32], [9, 33, 31], [130, 17, 65], [600, 70, 90], [40, 2100, 33]] as const;
  const formats = ["float32", "bfloat16"] as const;
  const cases = shapes.flatMap((shape) => formats.flatMap((dtype) => [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ shape, dtype, transposeA, transposeB })))));

  test.each(cases)("$shape in $dtype, a transposed: $transposeA, b transposed: $transposeB", ({ shape: [rows, depth, columns], dtype, transposeA, transposeB }) => {
    if (!hasKernels() || (dtype === "bfloat16" && !hasProducts(dtype))) return;
    tf.tidy(() => {
      const a = randomTensor<tf.Rank.R2>(transposeA ? [depth, rows] : [rows, depth], 1);
      const b = randomTensor<tf.Rank.R2>(transposeB ? [columns, depth] : [depth, columns], 2);
      const before = randomTensor<tf.Rank.R2>([rows, columns], 3);
      const as = dtype === "bfloat16" ? rounded : (x: tf.Tensor2D): tf.Tensor2D => x;
      const plain = tf.matMul(as(a), as(b), transposeA, transposeB);
      const close = depth > 1000 ? 2e-4 : 2e-5; // sums of up to 2100 numbers
      const options = { dtype, transposeA, transposeB };
      void expect(maxDifference(matrixProduct(a, b, options).dataSync(), plain.dataSync())).toBeLessThan(close);
      void expect(maxDifference(matrixProduct(a, b, { ...options, before }).dataSync(), tf.add(plain, before).dataSync())).toBeLessThan(close);
    });
  });

  test.each(formats)("a factor of bfloat16, in %s", (dtype) => {
    if (!hasKernels() || (dtype === "bfloat16" && !hasProducts(dtype))) return;
    const weight = randomTensor<tf.Rank.R2>([37, 70], 6);
    const frozen = Bfloat16Weight.of(weight);
    for (const transposeB of [false, true]) {
      const a = randomTensor<tf.Rank.R2>([9, transposeB ? 70 : 37], 7);
      const as = dtype === "bfloat16" ? rounded : (x: tf.Tensor2D): tf.Tensor2D => x;
      const product = matrixProduct(a, frozen, { dtype, transposeB });
      expect(maxDifference(product.dataSync(), tf.matMul(as(a), rounded(weight), false, transposeB).dataSync())).toBeLessThan(1e-5);
    }
    frozen.dispose();
  });

  const widths = [[37], [37, 64, 5]]; // many rows of one, whose sums over rows are taken in blocks of several parts
  const adapted = formats.flatMap((dtype) => [false, true].flatMap((frozen) => widths.map((outs) => ({ dtype, frozen, outs, rows: outs.length > 1 ? 300 : 2100 }))));

  test.each(adapted)("layers with adapters of $outs outputs that share their input of $rows rows, in $dtype, weights in bfloat16: $frozen", ({ dtype, frozen, outs, rows }) => {
    const numbers = outs.map((out, i) => randomTensor<tf.Rank.R2>([out, 70], 20 + i));
    const weights = numbers.map((weight) => (frozen ? Bfloat16Weight.of(weight) : weight));
    const ranks = [5, 3, 9];
    const inputs = [randomTensor<tf.Rank.R2>([rows, 70], 11), ...outs.flatMap((out, i) => [randomTensor<tf.Rank.R2>([ranks[i]!, 70], 30 + i), randomTensor<tf.Rank.R2>([out, ranks[i]!], 40 + i)])];
    const own = (x: tf.Tensor2D, layers: AdaptedWeight[]): tf.Tensor2D[] => adaptedLinears(x, layers);
    const plain = (x: tf.Tensor2D, layers: AdaptedWeight[]): tf.Tensor2D[] => layers.map((layer) => adaptedLinearComposed(x, layer));
    const forward = (apply: typeof own, used = outs.length) => (x?: tf.Tensor, ...factors: tf.Tensor[]): tf.Tensor =>
      computeIn(dtype, () => {
        const pairs = factors as tf.Tensor2D[];
        const ys = apply(x as tf.Tensor2D, weights.map((weight, i) => ({ weight, a: pairs[2 * i]!, b: pairs[2 * i + 1]!, scale: 0.75 })));
        return tf.concat([...ys.slice(0, used), tf.square(x!)], 1); // a second use of x, whose gradient is added to
      });
    const bound = dtype === "float32" ? 2e-5 : 2 ** -6; // three products in a row, each operand rounded to 8 bits
    for (const used of [outs.length, 1]) { // one alone: the loss does not depend on the others
      const [got, expected] = [own, plain].map((apply) => [tf.tidy(() => [...forward(apply, used)(...inputs).dataSync()]), ...summedGradients(forward(apply, used), inputs)]);
      got!.forEach((values, i) => (expected![i]!.some((value) => value !== 0) ? expect(relativeL2(values, expected![i]!)).toBeLessThan(bound) : expect(values).toEqual(expected![i])));
    }
    // An input that nothing trained leads to: the factors alone have gradients.
    const [x, ...factors] = inputs;
    const [got, expected] = [own, plain].map((apply) => summedGradients((...trained) => forward(apply)(x, ...trained), factors));
    got!.forEach((values, i) => expect(relativeL2(values, expected![i]!)).toBeLessThan(bound));
    tf.dispose([numbers, inputs]);
    for (const weight of weights) weight.dispose();
  });

  test("layers of several scales, or some of whose weights are in bfloat16, are taken one by one", () => {
    const shapes: [number, number][] = [[40, 8], [6, 8], [2, 8], [6, 2]];
    const [x, w, a, b] = shapes.map((shape, i) => randomTensor<tf.Rank.R2>(shape, 50 + i)) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const frozen = Bfloat16Weight.of(w);
    for (const layers of [[{ weight: w, a, b, scale: 1 }, { weight: w, a, b, scale: 2 }], [{ weight: w, a, b, scale: 1 }, { weight: frozen, a, b, scale: 1 }]]) {
      const ys = adaptedLinears(x, layers);
      layers.forEach((layer, i) => expect(maxDifference(ys[i]!.dataSync(), adaptedLinearComposed(x, layer).dataSync())).toBeLessThan(1e-5));
    }
    tf.dispose([x, w, a, b]);
    frozen.dispose();
  });

  test.each(formats)("a layer in %s: gradients are added to those that its tensors have already", (dtype) => {
    const [x, w] = [randomTensor<tf.Rank.R2>([130, 40], 14), randomTensor<tf.Rank.R2>([90, 40], 15)];
    const twice = (a?: tf.Tensor, b?: tf.Tensor): tf.Tensor => computeIn(dtype, () => tf.add(linear(a as tf.Tensor2D, b as tf.Tensor2D), linear(a as tf.Tensor2D, b as tf.Tensor2D)));
    const once = (a?: tf.Tensor, b?: tf.Tensor): tf.Tensor => tf.mul(2, tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true));
    const [own, plain] = [twice, once].map((apply) => summedGradients(apply, [x, w]));
    own!.forEach((gradient, i) => expect(relativeL2(gradient, plain![i]!)).toBeLessThan(dtype === "float32" ? 2e-6 : 2 ** -6)); // a product of a product
    tf.dispose([x, w]);
  });

  test("rows do not depend on the other rows, to the bit", () => {
    if (!hasKernels()) return;
    const [a, b] = [randomTensor<tf.Rank.R2>([700, 64], 8), randomTensor<tf.Rank.R2>([64, 48], 9)];
    const whole = matrixProduct(a, b, { dtype: "float32" }).dataSync();
    const part = matrixProduct(tf.slice(a, [513, 0], [11, 64]), b, { dtype: "float32" }).dataSync();
    expect([...part]).toEqual([...whole.subarray(513 * 48, 524 * 48)]);
  });

  test("factors that do not fit are an error, and the process lives", () => {
    expect(() => matrixProduct(tf.ones([2, 3]), tf.ones([4, 5]), { dtype: "float32" })).toThrow(/\[N, K\] and \[K, M\]/);
    expect(() => matrixProduct(tf.ones([2, 3]), tf.ones([3, 5]), { dtype: "float32", before: tf.ones([5, 2]) })).toThrow(/result's shape/);
    if (!hasProducts("float32")) return;
    const layer = { weight: tf.ones<tf.Rank.R2>([4, 3]), a: tf.ones<tf.Rank.R2>([2, 3]), b: tf.ones<tf.Rank.R2>([4, 2]), scale: 1 };
    expect(() => adaptedLinears(tf.ones([5, 3]), [layer, { ...layer, a: tf.ones([2, 4]) }])).toThrow(/\[M, K\], \[r, K\] and \[M, r\]/);
  });
});
