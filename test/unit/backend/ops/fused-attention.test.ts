/** Attention as verlet's own ops beside the form in plain ops: odd sizes, groups of heads, sequences, both formats. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { attention, attentionComposed, computeIn, hasProducts, HIDDEN, keptProbabilities, tf } from "@verlet/backend";
import { beforeAll, describe, expect, test } from "vitest";
import { trainingBackends, useBackend } from "../../../helpers/backends.js";
import { maxDifference } from "../../../helpers/fixtures.js";
import { expectNoLeak, outputAndGradients, randomTensor } from "../../../helpers/tensors.js";

const native = trainingBackends.includes("native");
const formats = ["float32", "bfloat16"] as const;

type Inputs = [q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D];

const inputsOf = (batch: number, width: number, group: number, dim: number, kvHeads = 2): Inputs => [
  randomTensor<tf.Rank.R4>([batch, width, group * kvHeads, dim], 1),
  randomTensor<tf.Rank.R4>([batch, width, kvHeads, dim], 2),
  randomTensor<tf.Rank.R4>([batch, width, kvHeads, dim], 3),
];

/** Three sequences a row, other ones in each row, and tokens that all see. */
const sequencesOf = (batch: number, width: number): tf.Tensor2D =>
  tf.tensor2d(Array.from({ length: batch * width }, (_, i) => ((i % width) % 11 === 3 ? -1 : Math.floor((3 * (i % width)) / width) + Math.floor(i / width))), [batch, width]);

/** [1 or B, 1, T, T], additive. */
const maskOf = (width: number, sequences?: tf.Tensor2D): tf.Tensor4D =>
  tf.tidy(() => {
    const behind = tf.expandDims(tf.lessEqual(tf.range(0, width), tf.expandDims(tf.range(0, width), 1)), 0);
    const seen = sequences ? tf.logicalAnd(behind, tf.logicalOr(tf.equal(tf.expandDims(sequences, 2), tf.expandDims(sequences, 1)), tf.less(tf.expandDims(sequences, 1), 0))) : behind;
    return tf.expandDims(tf.mul(tf.sub(1, tf.cast(seen, "float32")), HIDDEN), 1) as tf.Tensor4D;
  });

/** Output and gradients in a row. */
const numbersOf = (forward: (...inputs: Inputs) => tf.Tensor, inputs: Inputs): number[][] => {
  const { output, gradients } = outputAndGradients((...given) => forward(...(given as Inputs)), inputs);
  return [output, ...gradients];
};

describe.skipIf(!native)(`fused attention${native ? "" : " [native is not here]"}`, () => {
  beforeAll(() => useBackend("native"));

  const cases = [1, 5, 37, 130, 300].flatMap((width) => [8, 16, 64].flatMap((dim) => [1, 2, 4].flatMap((group) => [1, 3].map((batch) => [width, dim, group, batch] as const))));

  test.each(cases)("%i tokens, heads of %i, %i to a key head, %i rows: equals the plain form, with sequences and without", (width, dim, group, batch) => {
    if (!hasProducts("float32")) return;
    tf.tidy(() => {
      const inputs = inputsOf(batch, width, group, dim);
      for (const sequences of [undefined, sequencesOf(batch, width)]) {
        const mask = maskOf(width, sequences);
        const expected = numbersOf((q, k, v) => attentionComposed(q, k, v, mask), inputs);
        for (const dtype of formats) {
          if (!hasProducts(dtype)) continue;
          const got = computeIn(dtype, () => numbersOf((q, k, v) => attention(q, k, v, sequences), inputs));
          const tolerance = dtype === "float32" ? 5e-5 : 0.08; // sums over up to 300 tokens and 4 heads, of factors that bfloat16 holds to 1 part in 512
          got.forEach((numbers, i) => expect(maxDifference(numbers, expected[i]!), `${dtype}, ${["output", "dq", "dk", "dv"][i]}`).toBeLessThan(tolerance));
        }
      }
    });
  });

  test.each(formats)("in %s, what a token cannot see changes nothing, bit for bit", (dtype) => {
    if (!hasProducts(dtype)) return;
    const [q, k, v] = inputsOf(2, 101, 2, 16);
    const last = (x: tf.Tensor4D): tf.Tensor4D => tf.concat([tf.slice(x, [0, 0, 0, 0], [2, 100, 2, 16]), tf.fill([2, 1, 2, 16], 1e4)], 1);
    const before = (x: tf.Tensor4D): number[] => [...tf.slice(x, [0, 0, 0, 0], [2, 100, 4, 16]).dataSync()];
    computeIn(dtype, () => expect(before(attention(q, last(k), last(v)))).toEqual(before(attention(q, k, v))));
  });

  test.each(formats)("in %s, scores far beyond what exp can hold stay finite", (dtype) => {
    if (!hasProducts(dtype)) return;
    const [q, k, v] = inputsOf(1, 70, 2, 16);
    const all = computeIn(dtype, () => numbersOf((a, b, c) => attention(tf.mul(a, 100), tf.mul(b, 100), c), [q, k, v]));
    expect(all.flat().every(Number.isFinite)).toBe(true);
  });

  test("in bfloat16, a token that sees itself alone gives its query and key no gradient", () => {
    if (!hasProducts("bfloat16")) return;
    const [, dq, dk] = computeIn("bfloat16", () => numbersOf((q, k, v) => attention(q, k, v), inputsOf(3, 1, 2, 64)));
    expect(Math.max(...dq!.map(Math.abs), ...dk!.map(Math.abs))).toBeLessThan(1e-5);
  });

  test("gives the same bits time after time, and leaves no tensor behind", async () => {
    if (!hasProducts("float32")) return;
    const inputs = inputsOf(1, 300, 2, 16);
    const run = (): number[][] => numbersOf((q, k, v) => tf.tidy(() => attention(q, k, v)), inputs);
    const first = run();
    for (let i = 0; i < 4; i++) expect(run()).toEqual(first);
    await expectNoLeak(run);
  });

  test("gives the same bits whatever the number of threads", async () => {
    if (!hasProducts("float32")) return;
    const script = `
      import { createHash } from "node:crypto";
      const { attention, computeIn, hasProducts, selectBackend, tf } = await import(${JSON.stringify(import.meta.resolve("@verlet/backend"))});
      await selectBackend("native");
      const hash = createHash("sha256");
      for (const dtype of ["float32", "bfloat16"].filter(hasProducts)) computeIn(dtype, () => {
        const inputs = [4, 2, 2].map((heads, i) => tf.randomNormal([1, 300, heads, 16], 0, 1, "float32", i + 1));
        for (const x of [attention(...inputs), ...tf.grads((...given) => tf.sum(tf.square(attention(...given))))(inputs)]) hash.update(new Uint8Array(x.dataSync().buffer));
      });
      console.log("bits " + hash.digest("hex"));`;
    const bits = await Promise.all(["1", "2", "5"].map(async (threads) => {
      const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env: { ...process.env, TF_NUM_INTRAOP_THREADS: threads }, cwd: fileURLToPath(new URL(".", import.meta.url)) });
      return /bits [0-9a-f]{64}/.exec(stdout)?.[0];
    }));
    expect(bits[0]).toBeDefined();
    expect(new Set(bits).size).toBe(1);
  }, 60_000);

  test("keeps no probabilities", () => {
    if (!hasProducts("float32")) return;
    expect(keptProbabilities(8, 256, "float32")).toBe(0);
  });

  test("inputs of the wrong shape are an error, and the process lives", () => {
    if (!hasProducts("float32")) return;
    const heads = (count: number, width = 3, dim = 4): tf.Tensor4D => tf.ones([1, width, count, dim]);
    expect(() => attention(heads(3), heads(2), heads(2))).toThrow(/heads a multiple of kvHeads/);
    expect(() => attention(heads(4), heads(2, 2), heads(2, 2))).toThrow(/k and v are \[B, T, kvHeads, D\]/);
    expect(() => attention(heads(4), heads(2), heads(2, 3, 5))).toThrow(/k and v are \[B, T, kvHeads, D\]/);
    expect(() => attention(heads(4), heads(2), heads(2), tf.zeros([1, 2]))).toThrow(/sequences are \[B, T\]/);
  });
});
