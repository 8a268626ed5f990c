import { expect, test } from "vitest";
import { gatherRows, gradientsOf, linear, rmsNorm, rmsNormComposed, scatterTo, swiglu, tf } from "@verlet/backend";
import { describeOnBackendsAndWebgpu } from "../../../helpers/backends.js";
import { expectNoLeak, expectSameFunction, outputAndGradients, productsOf, randomTensor } from "../../../helpers/tensors.js";

await describeOnBackendsAndWebgpu("rmsNorm", () => {
  test("by hand: [3, 4] over its rms √12.5, times the weight", () => {
    // mean(9, 16) = 12.5; 3/√12.5 = 0.8485281, 4/√12.5 = 1.1313708; times (2, 0.5)
    const out = rmsNorm(tf.tensor2d([[3, 4]]), tf.tensor1d([2, 0.5]), 0).dataSync();
    expect(out[0]).toBeCloseTo(1.6970563, 5);
    expect(out[1]).toBeCloseTo(0.5656854, 5);
  });

  test.each([[[3, 8]], [[2, 3, 2, 8]]])("equals the plain form on %j, forward and gradients of x and weight", (shape) => {
    const inputs = [randomTensor(shape as [number, number], 1), randomTensor<tf.Rank.R1>([8], 2)];
    expectSameFunction((x, w) => rmsNorm(x!, w as tf.Tensor1D, 1e-5), (x, w) => rmsNormComposed(x!, w as tf.Tensor1D, 1e-5), inputs);
  });

  test("epsilon keeps a zero row finite", () => {
    const { output, gradients } = outputAndGradients((x, w) => rmsNorm(x!, w as tf.Tensor1D, 1e-6), [tf.zeros([1, 4]), tf.ones([4])]);
    expect([...output, ...gradients.flat()].every(Number.isFinite)).toBe(true);
  });
});

await describeOnBackendsAndWebgpu("swiglu", () => {
  test("by hand: silu(0) · 5 = 0, silu(2) · 3 = 2 · σ(2) · 3", () => {
    const out = swiglu(tf.tensor1d([0, 2]), tf.tensor1d([5, 3])).dataSync();
    expect(out[0]).toBe(0);
    expect(out[1]).toBeCloseTo(6 / (1 + Math.exp(-2)), 5);
  });

  test("equals gate · σ(gate) · up, forward and both gradients", () => {
    const inputs = [randomTensor<tf.Rank.R2>([5, 6], 3), randomTensor<tf.Rank.R2>([5, 6], 4)];
    expectSameFunction((g, u) => swiglu(g!, u!), (g, u) => tf.mul(tf.mul(g!, tf.sigmoid(g!)), u!), inputs);
  });

  test("leaves no tensor behind", async () => {
    const inputs = [randomTensor<tf.Rank.R2>([5, 6], 3), randomTensor<tf.Rank.R2>([5, 6], 4)];
    await expectNoLeak(() => outputAndGradients((g, u) => rmsNorm(swiglu(g!, u!), tf.ones([6]), 1e-6), inputs));
  });
});

const plainLinear = (x: tf.Tensor, w: tf.Tensor, b?: tf.Tensor): tf.Tensor => {
  const product = tf.matMul(tf.reshape(x, [-1, x.shape.at(-1)!]), w as tf.Tensor2D, false, true);
  return tf.reshape(b ? tf.add(product, b) : product, [...x.shape.slice(0, -1), w.shape[0]!]);
};

const fusedLinear = (x?: tf.Tensor, w?: tf.Tensor, b?: tf.Tensor): tf.Tensor => linear(x!, w as tf.Tensor2D, b as tf.Tensor1D | undefined);

await describeOnBackendsAndWebgpu("linear", () => {
  test("by hand: [1, 2]·[[3, 4], [5, 6], [7, 8]]ᵀ + [1, 1, 1] = [12, 18, 24]", () => {
    expect([...linear(tf.tensor2d([[1, 2]]), tf.tensor2d([[3, 4], [5, 6], [7, 8]]), tf.ones([3])).dataSync()]).toEqual([12, 18, 24]);
  });

  test.each([[[4, 3]], [[2, 5, 3]]])("x %j: equals matMul and add, forward and gradients of x, weight and bias", (shape) => {
    const x = randomTensor(shape as [number, number], 1);
    const w = randomTensor<tf.Rank.R2>([6, 3], 2);
    expectSameFunction(fusedLinear, (a, b) => plainLinear(a!, b!), [x, w]);
    expectSameFunction(fusedLinear, (a, b, c) => plainLinear(a!, b!, c), [x, w, randomTensor<tf.Rank.R1>([6], 3)]);
  });

  test.each([
    ["weight frozen: one product for x", ["x"], 2],
    ["x constant: one product for the weight", ["w"], 2],
    ["both", ["x", "w"], 3],
  ])("computes no gradient that nobody asked for (%s)", async (_, wanted, products) => {
    const all = { x: tf.variable(randomTensor<tf.Rank.R2>([4, 3], 1)), w: tf.variable(randomTensor<tf.Rank.R2>([6, 3], 2)) };
    const variables = wanted.map((name) => all[name as "x" | "w"]);
    const count = await productsOf(() => {
      const { value, gradients } = gradientsOf(() => tf.sum(linear(all.x, all.w as tf.Tensor2D)), variables);
      tf.dispose([value, gradients]);
    });
    expect(count).toBe(products);
    tf.dispose(all);
  });

  test("leaves no tensor behind", async () => {
    const inputs = [randomTensor<tf.Rank.R2>([4, 3], 1), randomTensor<tf.Rank.R2>([6, 3], 2), randomTensor<tf.Rank.R1>([6], 3)];
    await expectNoLeak(() => outputAndGradients(fusedLinear, inputs));
  });
});

await describeOnBackendsAndWebgpu("gatherRows", () => {
  test("equals a product with one-hot rows; rows picked twice add up in the gradient, rows left out get 0", () => {
    const table = randomTensor<tf.Rank.R2>([5, 3], 1);
    const indices = tf.tensor1d([4, 0, 4, 4, 2], "int32");
    expectSameFunction(
      (t) => gatherRows(t as tf.Tensor2D, indices),
      (t) => tf.matMul(tf.cast(tf.oneHot(indices, 5), "float32") as tf.Tensor2D, t as tf.Tensor2D),
      [table],
    );
  });

  test("by hand: the gradient counts how often each row was taken", () => {
    const gradient = tf.grad((t) => tf.sum(gatherRows(t as tf.Tensor2D, tf.tensor1d([1, 1, 3], "int32"))))(tf.zeros([4, 2]));
    expect(gradient.arraySync()).toEqual([[0, 0], [2, 2], [0, 0], [1, 1]]);
  });

  test("leaves no tensor behind", async () => {
    const table = randomTensor<tf.Rank.R2>([5, 3], 1);
    const indices = tf.tensor1d([4, 0, 4], "int32");
    await expectNoLeak(() => outputAndGradients((t) => gatherRows(t as tf.Tensor2D, indices), [table]));
  });
});

await describeOnBackendsAndWebgpu("scatterTo", () => {
  test("lays values out by their source, 0 where there is none", () => {
    expect(scatterTo(tf.tensor1d([10, 20, 30]), Int32Array.of(-1, 2, 0, -1, -1, 1), [2, 3]).arraySync()).toEqual([[0, 30, 10], [0, 0, 20]]);
  });

  test("its gradient brings each place's gradient back; a value that is not used gets 0", () => {
    // out = [[v1, 0], [v0, 0]], loss = 1·out00 + 2·out01 + 3·out10 + 4·out11
    const weights = tf.tensor2d([[1, 2], [3, 4]]);
    const gradient = tf.grad((v) => tf.sum(tf.mul(scatterTo(v as tf.Tensor1D, Int32Array.of(1, -1, 0, -1), [2, 2]), weights)))(tf.tensor1d([5, 6, 7]));
    expect([...gradient.dataSync()]).toEqual([3, 1, 0]);
  });

  test("leaves no tensor behind", async () => {
    const values = tf.tensor1d([1, 2, 3]);
    await expectNoLeak(() => outputAndGradients((v) => scatterTo(v as tf.Tensor1D, Int32Array.of(0, 1, -1, 2), [2, 2]), [values]));
  });
});
