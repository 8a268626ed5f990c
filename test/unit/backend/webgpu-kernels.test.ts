import { selectBackend, tf } from "@verlet/backend";
import { Rng } from "@verlet/core";
import { beforeAll, describe, expect, it } from "vitest";
import { describeOnWebgpu, useBackend } from "../../helpers/backends.js";
import { maxDifference } from "../../helpers/fixtures.js";

const rng = new Rng(17);
const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Tensors of fixed numbers, made anew on each backend. */
const floats = (...shape: number[]): (() => tf.Tensor) => {
  const values = Float32Array.from({ length: product(shape) }, () => rng.normal());
  return () => tf.tensor(values.slice(), shape);
};
const ints = (below: number, ...shape: number[]): (() => tf.Tensor) => {
  const values = Int32Array.from({ length: product(shape) }, () => rng.below(below));
  return () => tf.tensor(values.slice(), shape, "int32");
};

const x2 = floats(3, 5);
const y2 = floats(3, 5);
const x3 = floats(2, 3, 4);
const x4 = floats(2, 3, 4, 5);
const x5 = floats(2, 2, 3, 2, 3);
const x6 = floats(2, 2, 2, 2, 2, 3);
const wide = floats(2, 3000);
const table = floats(6, 3);
const rows = ints(6, 7);
const segments = ints(4, 6);
const whole = ints(50, 3, 5);
const other = ints(9, 3, 5);
const large = floats(40, 70);
const long = floats(9, 2100);
const positive = (): tf.Tensor => tf.abs(x2());
const flags = (): tf.Tensor => tf.greater(x2(), 0);
const indices = (values: number[], ...shape: number[]): tf.Tensor => tf.tensor(values, shape, "int32");

const cases: Record<string, () => tf.Tensor> = {
  "a sum of two, broadcast": () => tf.add(x4(), floatsOnce(3, 1, 5)),
  "a product over five axes, broadcast": () => tf.mul(x5(), tf.sum(x5(), [1, 3], true)),
  "a product over six axes": () => tf.mul(x6(), x6()),
  "a sum of thirty": () => tf.addN(Array.from({ length: 30 }, x2)),
  "a quotient, a difference, a power": () => tf.pow(tf.abs(tf.div(tf.sub(x2(), y2()), positive())), 1.5),
  "a transpose of four axes": () => tf.transpose(x4(), [0, 2, 1, 3]),
  "a transpose of six axes": () => tf.transpose(x6(), [5, 3, 1, 0, 2, 4]),
  "sums over the first axis, over two, over all": () => tf.concat([tf.sum(x4(), 0).flatten(), tf.sum(x4(), [1, 2]).flatten(), tf.sum(x4()).flatten()]),
  "sums over axes of five": () => tf.sum(x5(), [0, 3]),
  "means, maxima, minima": () => tf.concat([tf.mean(wide(), 1), tf.max(wide(), 1), tf.min(wide(), 1)]),
  "the place of the largest, of several equal ones the first": () => tf.argMax(tf.concat([wide(), tf.ones([2, 3000])]), 1),
  "all and any": () => tf.stack([tf.all(flags(), 1), tf.any(flags(), 1)]),
  "softmax over a wide row": () => tf.softmax(wide()),
  "softmax with hidden places": () => tf.softmax(tf.add(x4(), tf.tensor1d([0, -1e9, 0, -1e9, 0]))),
  "log-softmax and log-sum-exp": () => tf.concat([tf.logSoftmax(x2()), tf.logSumExp(x2(), 1, true)], 1),
  "a gather of rows": () => tf.gather(table(), rows() as tf.Tensor1D),
  "a gather along an inner axis": () => tf.gather(x4(), indices([0, 2, 1, 2], 4), 2),
  "a gather in batches": () => tf.gather(x3(), indices([0, 2, 1, 1], 2, 2), 1, 1),
  "a gather of integers and of booleans": () => tf.concat([tf.gather(whole(), indices([2, 0], 2)), tf.cast(tf.gather(flags(), indices([2, 0], 2)), "int32")]),
  "the gradient of a gather": () => tf.grad((t) => tf.sum(tf.square(tf.gather(t, rows() as tf.Tensor1D))))(table()),
  gatherND: () => tf.gatherND(x3(), indices([0, 1, 1, 2], 2, 2)),
  scatterND: () => tf.scatterND(indices([1, 3, 1], 3, 1), tf.slice(table(), 0, 3), [5, 3]),
  unsortedSegmentSum: () => tf.unsortedSegmentSum(table(), segments() as tf.Tensor1D, 4),
  "unsortedSegmentSum of matrices, with a negative id": () => tf.unsortedSegmentSum(tf.reshape(large(), [4, 70, 10]), indices([0, -1, 2, 0], 4) as tf.Tensor1D, 3),
  "a concatenation of thirty": () => tf.concat(Array.from({ length: 30 }, x3), -1),
  "pieces put together in another order": () => tf.concat(tf.split(x4(), [2, 2, 1], -1).reverse(), -1),
  "slices of four and of six axes": () => tf.concat([tf.slice(x4(), [0, 1, 0, 2], [2, 1, 3, 2]).flatten(), tf.slice(x6(), [0, 1, 0, 0, 1, 1], [2, 1, 1, 2, 1, 2]).flatten()]),
  "padding and repetition": () => tf.tile(tf.pad(x3(), [[1, 0], [0, 2], [1, 1]], 7), [2, 1, 3]),
  "running sums: exclusive, reversed, of integers": () =>
    tf.concat([tf.cumsum(x2(), 1, true).flatten(), tf.cumsum(x4(), 2, false, true).flatten(), tf.cast(tf.cumsum(whole(), 0), "float32").flatten()]),
  "the largest seven": () => tf.topk(wide(), 7).values,
  "their places": () => tf.topk(wide(), 7).indices,
  "all in order": () => tf.topk(x2(), 5).indices,
  "one-hot rows, none for what is outside": () => tf.oneHot(indices([-1, 2, 7, 0], 4), 4),
  "a choice by rows": () => tf.where(tf.greater(y2(), 0), x2(), tf.zerosLike(x2())),
  "a choice over five axes": () => tf.where(tf.greater(x5(), 0), x5(), tf.neg(x5())),
  "casts, towards zero": () => tf.concat([tf.cast(tf.tensor1d([-1.7, 1.7, -0.2]), "int32"), tf.cast(whole(), "int32").flatten(), tf.cast(flags(), "int32").flatten()]),
  "logic and comparisons": () => tf.stack([tf.logicalAnd(flags(), tf.less(y2(), 0)), tf.logicalOr(flags(), tf.lessEqual(y2(), 0)), tf.logicalNot(flags()), tf.greaterEqual(x2(), y2())]),
  "exp, log, rsqrt, sigmoid, tanh, erf": () => tf.stack([tf.exp(x2()), tf.log(positive()), tf.rsqrt(positive()), tf.sigmoid(x2()), tf.tanh(x2()), tf.erf(x2())]),
  "exp and sigmoid far out": () => tf.concat([tf.exp(tf.tensor1d([-Infinity, -1e9, 0])), tf.sigmoid(tf.tensor1d([-100, 0, 100]))]),
  "the logarithm of 0 and of infinity": () => tf.log(tf.tensor1d([0, 1, Infinity])),
  "softplus, relu, sign, round, clip": () => tf.stack([tf.softplus(tf.mul(x2(), 40)), tf.relu(x2()), tf.sign(x2()), tf.round(x2()), tf.clipByValue(x2(), -0.5, 0.7)]),
  "maxima, minima, squared differences": () => tf.stack([tf.maximum(x2(), y2()), tf.minimum(x2(), y2()), tf.squaredDifference(x2(), y2())]),
  "infinities and what is no number": () => tf.stack([tf.isNaN(tf.tensor1d([NaN, 1, Infinity])), tf.isFinite(tf.tensor1d([NaN, 1, -Infinity])), tf.isInf(tf.tensor1d([NaN, 1, -Infinity]))]),
  "integers: + − · // %": () => tf.stack([tf.add(whole(), other()), tf.sub(whole(), other()), tf.mul(whole(), tf.scalar(3, "int32")), tf.floorDiv(whole(), tf.add(other(), tf.scalar(1, "int32"))), tf.mod(whole(), tf.scalar(7, "int32"))]),
  "integers compared": () => tf.stack([tf.equal(whole(), other()), tf.notEqual(whole(), other()), tf.less(whole(), other()), tf.greaterEqual(whole(), tf.scalar(20, "int32"))]),
  "integers beyond 2^24": () => tf.add(indices([2 ** 24 + 1, 2 ** 30 + 1], 2), tf.scalar(2, "int32")),
  "integers beyond 2^24 compared": () => tf.equal(indices([2 ** 24 + 1, 2 ** 24], 2), indices([2 ** 24, 2 ** 24], 2)),
  "a product of two matrices, either transposed": () => tf.concat([tf.matMul(large(), large(), false, true).flatten(), tf.matMul(large(), large(), true, false).flatten()]),
  "a product of few rows": () => tf.matMul(tf.slice(large(), 0, 1), large(), false, true),
  "a product over a long inner axis": () => tf.matMul(long(), long(), false, true),
  "products in a batch": () => tf.matMul(x4(), x4(), false, true),
  "a batch times one matrix": () => tf.matMul(x4(), tf.transpose(x2())),
  "nothing: a sum over it, a gather of it, a concatenation with it": () =>
    tf.concat([tf.sum(tf.zeros([0, 3]), 0), tf.gather(tf.zeros([4, 0]), indices([1], 1)).flatten(), tf.concat([x2(), tf.zeros([0, 5])]).flatten()]),
  "nothing: a product over it, a segment sum of it": () => tf.concat([tf.matMul(tf.zeros([3, 0]), tf.zeros([0, 2])), tf.unsortedSegmentSum(tf.zeros([0, 2]), tf.tensor1d([], "int32"), 2)]),
};

/** Numbers that are the same whenever they are asked for, unlike those of `floats`. */
function floatsOnce(...shape: number[]): tf.Tensor {
  return tf.tensor(Float32Array.from({ length: product(shape) }, (_, i) => Math.cos(i)), shape);
}

interface Result {
  values: number[];
  shape: number[];
  dtype: string;
}

const run = (compute: () => tf.Tensor): Result =>
  tf.tidy(() => {
    const out = compute();
    return { values: Array.from(out.dataSync()), shape: out.shape, dtype: out.dtype } as never;
  }) as Result;

// float32 in another order: sums of 3000 numbers, and logarithms and powers as exact as WGSL asks for.
const TOLERANCE = 1e-4;

await describeOnWebgpu("kernels", () => {
  let expected: Map<string, Result>;
  beforeAll(async () => {
    await selectBackend("cpu");
    expected = new Map(Object.entries(cases).map(([name, compute]) => [name, run(compute)]));
    await useBackend("webgpu");
  });

  it.each(Object.keys(cases))("%s: as in plain JavaScript", (name) => {
    const before = tf.memory().numTensors;
    const got = run(cases[name]!);
    const wanted = expected.get(name)!;
    expect({ shape: got.shape, dtype: got.dtype }).toEqual({ shape: wanted.shape, dtype: wanted.dtype });
    if (wanted.dtype !== "float32") expect(got.values).toEqual(wanted.values);
    else {
      const isFinite = wanted.values.map(Number.isFinite).map(Number);
      expect(got.values.filter((_, i) => !isFinite[i])).toEqual(wanted.values.filter((_, i) => !isFinite[i]));
      const scaled = (values: number[]): number[] => values.map((value, i) => (isFinite[i] ? value / (1 + Math.abs(wanted.values[i]!)) : 0));
      expect(maxDifference(scaled(got.values), scaled(wanted.values))).toBeLessThan(TOLERANCE);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  describe("a batch broadcast in the middle (which plain JavaScript gets wrong)", () => {
    it.each([[[2, 1, 4, 5], [1, 3, 5, 2]], [[2, 3, 4, 5], [2, 1, 5, 2]], [[3, 1, 4, 5], [2, 5, 2]]])("%j by %j", (a, b) => {
      const { got, wanted } = tf.tidy(() => {
        const x = floatsOnce(...a);
        const y = floatsOnce(...b);
        // Σ over the inner axis, from plain products: [..., M, K, 1] · [..., 1, K, N]
        const spread = tf.mul(tf.reshape(x, [...a.slice(0, -2), 4, 5, 1]), tf.reshape(y, [...b.slice(0, -2), 1, 5, 2]));
        return { got: [...tf.matMul(x, y).dataSync()], wanted: [...tf.sum(spread, -2).dataSync()] };
      }) as unknown as { got: number[]; wanted: number[] };
      expect(maxDifference(got, wanted)).toBeLessThan(TOLERANCE);
    });
  });

  it("numbers are read back at once, later, and again after they were read", async () => {
    const x = tf.add(x3(), 1);
    const at = x.dataSync();
    const later = await x.data();
    const both = await Promise.all([x.data(), tf.square(x).data()]);
    expect([...later]).toEqual([...at]);
    expect([...both[0]]).toEqual([...at]);
    expect([...x.dataSync()]).toEqual([...at]);
    expect(maxDifference(both[1], at.map((v) => v * v))).toBeLessThan(1e-5);
    expect([...tf.zeros([0]).dataSync()]).toEqual([]);
    expect([...tf.greater(x, tf.scalar(-Infinity)).dataSync()]).toEqual(Array(24).fill(1));
  });
});
