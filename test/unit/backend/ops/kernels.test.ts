/** verlet's own ops in C++ beside the forms in plain ops: odd sizes, rows for several threads, each kind of processor. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { addLowRank, addLowRankComposed, attention, attentionComposed, hasKernels, HIDDEN, linear, rmsNorm, rmsNormComposed, rotary, swiglu, tf, tokenLogProbs } from "@verlet/backend";
import { beforeAll, describe, expect, test } from "vitest";
import { trainingBackends, useBackend } from "../../../helpers/backends.js";
import { maxDifference } from "../../../helpers/fixtures.js";
import { expectSameFunction, outputAndGradients, randomTensor } from "../../../helpers/tensors.js";

const native = trainingBackends.includes("native");

describe.skipIf(!native)(`kernels${native ? "" : " [native is not here]"}`, () => {
  beforeAll(() => useBackend("native"));

  test("are in use", () => expect(hasKernels()).toBe(true));

  test.each([[[1, 1]], [[5, 17]], [[700, 129]], [[3, 5, 33]]])("norm of %j", (shape) => {
    const inputs = [randomTensor(shape as [number, number], 1), randomTensor<tf.Rank.R1>([shape.at(-1)!], 2)];
    expectSameFunction((x, w) => rmsNorm(x!, w as tf.Tensor1D, 1e-5), (x, w) => rmsNormComposed(x!, w as tf.Tensor1D, 1e-5), inputs, 2e-4); // a gradient of the weight is a sum over up to 700 rows
  });

  test.each([[[7]], [[300, 301]]])("swiglu of %j", (shape) => {
    const inputs = [randomTensor(shape as [number], 3), randomTensor(shape as [number], 4)];
    expectSameFunction((g, u) => swiglu(g!, u!), (g, u) => tf.mul(tf.mul(g!, tf.sigmoid(g!)), u!), inputs);
  });

  test("swiglu of gates beyond what exp can hold", () => {
    const { output, gradients } = outputAndGradients((g, u) => swiglu(g!, u!), [tf.tensor1d([-1e4, -88, 0, 88, 1e4]), tf.ones([5])]);
    expect(output).toEqual([-0, expect.closeTo(0, 5), 0, 88, 1e4]);
    expect(gradients.flat().every(Number.isFinite)).toBe(true);
  });

  test.each([1, 3])("rotary with angles of %i rows, and heads of 6", (rows) => {
    const [cos, signedSin] = [randomTensor<tf.Rank.R4>([rows, 5, 1, 6], 5), randomTensor<tf.Rank.R4>([rows, 5, 1, 6], 6)];
    const plain = (x: tf.Tensor): tf.Tensor => {
      const [first, second] = tf.split(x, 2, -1);
      return tf.add(tf.mul(x, cos), tf.mul(tf.concat([second!, first!], -1), signedSin));
    };
    expectSameFunction((x) => rotary(x as tf.Tensor4D, { cos, signedSin }), (x) => plain(x!), [randomTensor<tf.Rank.R4>([3, 5, 2, 6], 7)]);
  });

  test.each([[5, 128], [37, 8], [130, 128]])("attention over %i tokens in chunks of %i, with sequences of their own", (width, queries) => {
    const sequences = tf.tensor2d(Array.from({ length: 2 * width }, (_, i) => Number(i % width >= width / 3)), [2, width]);
    const mask = tf.tidy(() => {
      const own = tf.equal(tf.expandDims(sequences, 2), tf.expandDims(sequences, 1)); // [B, T, T]
      const behind = tf.lessEqual(tf.range(0, width), tf.expandDims(tf.range(0, width), 1));
      return tf.expandDims(tf.mul(tf.sub(1, tf.cast(tf.logicalAnd(own, behind), "float32")), HIDDEN), 1) as tf.Tensor4D;
    });
    const inputs = [randomTensor<tf.Rank.R4>([2, width, 4, 8], 8), randomTensor<tf.Rank.R4>([2, width, 2, 8], 9), randomTensor<tf.Rank.R4>([2, width, 2, 8], 10)];
    expectSameFunction(
      (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, sequences, { queries }),
      (q, k, v) => attentionComposed(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, mask),
      inputs,
      5e-5, // sums over 130 tokens
    );
  });

  test.each([100, 40])("log-probs of 33 tokens with %i of 100 logits at a time", (columns) => {
    const targets = tf.tensor1d(Array.from({ length: 33 }, (_, i) => (i * 37) % 100), "int32");
    const inputs = [randomTensor<tf.Rank.R2>([33, 9], 11), randomTensor<tf.Rank.R2>([100, 9], 12)];
    const fused = (h?: tf.Tensor, w?: tf.Tensor): tf.Tensor => tokenLogProbs(h as tf.Tensor2D, w as tf.Tensor2D, targets, { chunkNumbers: 33 * columns }).logProbs;
    const logits = (h?: tf.Tensor, w?: tf.Tensor): tf.Tensor2D => tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D, false, true);
    expectSameFunction(fused, (h, w) => tf.sum(tf.mul(tf.logSoftmax(logits(h, w)), tf.oneHot(targets, 100)), 1), inputs, 2e-5);
    const { entropy, sumSquares, mostLikely } = tokenLogProbs(inputs[0] as tf.Tensor2D, inputs[1] as tf.Tensor2D, targets, { chunkNumbers: 33 * columns, entropy: true, sumSquares: true, mostLikely: true });
    const logs = tf.logSoftmax(logits(...inputs));
    const p = tf.exp(logs);
    expect(maxDifference(entropy!.dataSync(), tf.neg(tf.sum(tf.mul(p, logs), 1)).dataSync())).toBeLessThan(1e-5);
    expect(maxDifference(sumSquares!.dataSync(), tf.sum(tf.square(p), 1).dataSync())).toBeLessThan(1e-5);
    expect([...mostLikely!.dataSync()]).toEqual([...tf.cast(tf.equal(tf.argMax(logs, 1), targets), "float32").dataSync()]);
  });

  test.each([[1, 1, 1], [9, 3, 17], [130, 16, 65]])("a low-rank product of %i rows, rank %i, %i outputs", (rows, rank, out) => {
    const inputs = [randomTensor<tf.Rank.R2>([rows, out], 13), randomTensor<tf.Rank.R2>([rows, rank], 14), randomTensor<tf.Rank.R2>([out, rank], 15)];
    expectSameFunction(
      (y, u, b) => addLowRank(y as tf.Tensor2D, u as tf.Tensor2D, b as tf.Tensor2D, 0.5),
      (y, u, b) => addLowRankComposed(y as tf.Tensor2D, u as tf.Tensor2D, b as tf.Tensor2D, 0.5),
      inputs,
      5e-5, // sums over 130 rows
    );
  });

  test("a narrow layer's gradient is added to what its input has already", () => {
    const inputs = [randomTensor<tf.Rank.R2>([40, 12], 16), randomTensor<tf.Rank.R2>([5, 12], 17)];
    expectSameFunction(
      (x, w) => tf.concat([linear(x as tf.Tensor2D, w as tf.Tensor2D), tf.square(x!)], 1),
      (x, w) => tf.concat([tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D, false, true), tf.square(x!)], 1),
      inputs,
    );
  });

  test("give the same bits time after time, threads or not", () => {
    const inputs = [randomTensor<tf.Rank.R2>([2000, 128], 18), randomTensor<tf.Rank.R1>([128], 19)];
    const run = (): unknown => outputAndGradients((x, w) => rmsNorm(x!, w as tf.Tensor1D, 1e-6), inputs);
    const first = run();
    for (let i = 0; i < 4; i++) expect(run()).toEqual(first);
  });

  test("an input of the wrong shape is an error, and the process lives", () => {
    const tokens = (count: number): tf.Tensor4D => tf.ones([1, count, 1, 4]);
    expect(() => rotary(tokens(3), { cos: tokens(2), signedSin: tokens(2) })).toThrow(/angles \[1 or B, T, 1, D\]/);
  });

  test.skipIf(process.env["VERLET_SIMD"]).each(["avx2", "none"])("hold for processors without AVX-512 (VERLET_SIMD=%s), and so do a decode step, the choice of tokens, products with packed weights and those of bfloat16", async (level) => {
    const files = [fileURLToPath(import.meta.url), ...["../../model/decoder.test.ts", "../../model/compute-dtype.test.ts", "./packed-weight.test.ts", "./matrix-product.test.ts", "../../rollout/choose-tokens.test.ts"].map((path) => fileURLToPath(new URL(path, import.meta.url)))];
    const vitest = fileURLToPath(new URL("../../../../node_modules/vitest/vitest.mjs", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [vitest, "run", "--reporter=dot", ...files], { env: { ...process.env, VERLET_SIMD: level, NO_COLOR: "1" } }); // throws where a test fails
    expect(stdout).toMatch(/Test Files {2}6 passed/);
  }, 300_000);
});
