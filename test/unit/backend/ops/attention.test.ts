import { expect, test } from "vitest";
import { attention, attentionComposed, gradientsOf, HIDDEN, rotary, tf, type RotaryTable } from "@verlet/backend";
import { describeOnBackendsAndWebgpu } from "../../../helpers/backends.js";
import { maxDifference } from "../../../helpers/fixtures.js";
import { peakBytes } from "../../../helpers/peak-bytes.js";
import { expectNoLeak, expectSameFunction, outputAndGradients, randomTensor } from "../../../helpers/tensors.js";

const BATCH = 2;
const WIDTH = 5;
const DIM = 4;

/** [rows, 1, T, S]: causal, and hiding the first `padding[row]` keys. */
function maskOf(padding: readonly number[], width = WIDTH): tf.Tensor4D {
  const numbers = padding.flatMap((hidden) =>
    Array.from({ length: width * width }, (_, i) => (i % width > Math.floor(i / width) || i % width < hidden ? HIDDEN : 0)),
  );
  return tf.tensor4d(numbers, [padding.length, 1, width, width]);
}

const forGroups = (mask: tf.Tensor4D, groups: number): tf.Tensor4D => tf.tile(mask, [1, 1, groups, 1]);

const inputs = (heads: number, kvHeads: number): tf.Tensor[] => [
  randomTensor<tf.Rank.R4>([BATCH, WIDTH, heads, DIM], 1),
  randomTensor<tf.Rank.R4>([BATCH, WIDTH, kvHeads, DIM], 2),
  randomTensor<tf.Rank.R4>([BATCH, WIDTH, kvHeads, DIM], 3),
];

await describeOnBackendsAndWebgpu("attention", () => {
  test.each([
    ["one key head a query head", 4, 4],
    ["two query heads a key head", 4, 2],
    ["one key head for all", 3, 1],
  ])("%s: equals the plain form with keys repeated, forward and gradients of q, k and v", (_, heads, kvHeads) => {
    const mask = maskOf([0]);
    const fused = forGroups(mask, heads / kvHeads);
    expectSameFunction(
      (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, fused),
      (q, k, v) => attentionComposed(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, mask),
      inputs(heads, kvHeads),
    );
  });

  test("a mask of its own for each row, the first with two padded keys", () => {
    const mask = maskOf([2, 0]);
    const fused = forGroups(mask, 2);
    expectSameFunction(
      (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, fused),
      (q, k, v) => attentionComposed(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, mask),
      inputs(4, 2),
    );
  });

  test.each([1, 2, 3, 4])("in chunks of %d queries it gives the same, with a mask a row too", (queries) => {
    for (const padding of [[0], [2, 0]]) {
      const fused = forGroups(maskOf(padding), 2);
      expectSameFunction(
        (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, fused, queries * BATCH * 4 * WIDTH),
        (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, fused),
        inputs(4, 2),
      );
    }
  });

  test("in chunks, memory grows with the length and not with its square; nothing is left behind", async () => {
    const pass = (width: number) => (): void => {
      const [q, k, v] = [1, 2, 3].map((seed) => tf.tidy(() => tf.variable(randomTensor([1, width, 4, DIM], seed))));
      const mask = maskOf([0], width);
      const { value, gradients } = gradientsOf(() => tf.sum(tf.square(attention(q as unknown as tf.Tensor4D, k as unknown as tf.Tensor4D, v as unknown as tf.Tensor4D, mask, 4 * width * 8))), [q!, k!, v!]);
      tf.dispose([q, k, v, mask, value, gradients] as tf.Tensor[]);
    };
    const above = (width: number): number => peakBytes(pass(width)) - 3 * 4 * width * width; // apart from the caller's mask, which tfjs counts for each of three tensors on it
    expect(above(128)).toBeLessThan(4.2 * above(32)); // 16 times the scores
    await expectNoLeak(pass(32));
  });

  test("by hand: the first token sees only itself, so its output is its value", () => {
    const [q, k, v] = inputs(2, 2) as tf.Tensor4D[];
    const out = attention(q!, k!, v!, maskOf([0]));
    expect(tf.max(tf.abs(tf.sub(tf.slice(out, [0, 0, 0, 0], [BATCH, 1, 2, DIM]), tf.slice(v!, [0, 0, 0, 0], [BATCH, 1, 2, DIM])))).dataSync()[0]).toBeLessThan(1e-6);
  });

  test("queries share the key head whose turn it is: head 2 of 4 reads key head 1 of 2", () => {
    const [q, k, v] = inputs(4, 2) as tf.Tensor4D[];
    const grouped = attention(q!, k!, v!, forGroups(maskOf([0]), 2));
    const third = tf.slice(grouped, [0, 0, 2, 0], [BATCH, WIDTH, 1, DIM]);
    const head = (x: tf.Tensor4D, i: number): tf.Tensor4D => tf.slice(x, [0, 0, i, 0], [BATCH, WIDTH, 1, DIM]);
    const alone = attention(head(q!, 2), head(k!, 1), head(v!, 1), maskOf([0]));
    expect(tf.max(tf.abs(tf.sub(third, alone))).dataSync()[0]).toBeLessThan(1e-6);
  });

  test("a fully hidden query stays finite, in the gradients too", () => {
    const hidden = tf.fill([1, 1, WIDTH, WIDTH], HIDDEN) as tf.Tensor4D;
    const { output, gradients } = outputAndGradients((q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, hidden), inputs(2, 2));
    expect([...output, ...gradients.flat()].every(Number.isFinite)).toBe(true);
  });

  test("more keys than queries, as with a cache", () => {
    const [, k, v] = inputs(4, 2);
    const q = randomTensor<tf.Rank.R4>([BATCH, 2, 4, DIM], 5);
    expectSameFunction(
      (a, b, c) => attention(a as tf.Tensor4D, b as tf.Tensor4D, c as tf.Tensor4D, tf.zeros([1, 1, 4, WIDTH])),
      (a, b, c) => attentionComposed(a as tf.Tensor4D, b as tf.Tensor4D, c as tf.Tensor4D, tf.zeros([1, 1, 2, WIDTH])),
      [q, k!, v!],
    );
  });

  test("leaves no tensor behind", async () => {
    const mask = forGroups(maskOf([0]), 2);
    const given = inputs(4, 2);
    await expectNoLeak(() => outputAndGradients((q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, mask), given));
  });
});

const HEADS = 2;
const HALF = DIM / 2;
const THETA = 100;

const angle = (position: number, i: number): number => position * THETA ** ((-2 * i) / DIM);

/** One row of positions for each batch row. */
function tableOf(positions: readonly (readonly number[])[]): RotaryTable {
  const shape: [number, number, number, number] = [positions.length, positions[0]!.length, 1, DIM];
  const entries = (f: (position: number, i: number, first: boolean) => number): number[] =>
    positions.flat().flatMap((position) => Array.from({ length: DIM }, (_, i) => f(position, i % HALF, i < HALF)));
  return {
    cos: tf.tensor4d(entries((p, i) => Math.cos(angle(p, i))), shape),
    signedSin: tf.tensor4d(entries((p, i, first) => (first ? -1 : 1) * Math.sin(angle(p, i))), shape),
  };
}

/** The textbook form: each pair (i, i + D/2) turns by its angle. */
function rotated(x: ArrayLike<number>, positions: readonly (readonly number[])[]): number[] {
  const out = new Array<number>(x.length);
  for (let start = 0; start < x.length; start += DIM) {
    const token = Math.floor(start / (HEADS * DIM));
    const position = positions[Math.floor(token / WIDTH) % positions.length]![token % WIDTH]!;
    for (let i = 0; i < HALF; i++) {
      const [a, b] = [x[start + i]!, x[start + i + HALF]!];
      out[start + i] = a * Math.cos(angle(position, i)) - b * Math.sin(angle(position, i));
      out[start + i + HALF] = a * Math.sin(angle(position, i)) + b * Math.cos(angle(position, i));
    }
  }
  return out;
}

await describeOnBackendsAndWebgpu("rotary", () => {
  test.each([
    ["the same positions for all rows", [[0, 1, 2, 3, 4]]],
    ["positions of their own for each row", [[0, 0, 0, 1, 2], [5, 6, 7, 8, 9]]],
  ])("%s: turns each pair (i, i + D/2) by position · θ^(−2i/D)", (_, positions) => {
    const x = randomTensor<tf.Rank.R4>([BATCH, WIDTH, HEADS, DIM], 1);
    expect(maxDifference(rotary(x, tableOf(positions)).dataSync(), rotated(x.dataSync(), positions))).toBeLessThan(1e-5);
  });

  test("its gradient is that of the plain ops", () => {
    const { cos, signedSin } = tableOf([[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]]);
    const swap = (x: tf.Tensor): tf.Tensor => tf.concat([tf.slice(x, [0, 0, 0, HALF], [BATCH, WIDTH, HEADS, HALF]), tf.slice(x, [0, 0, 0, 0], [BATCH, WIDTH, HEADS, HALF])], 3);
    const x = randomTensor<tf.Rank.R4>([BATCH, WIDTH, HEADS, DIM], 2);
    expectSameFunction((a) => rotary(a as tf.Tensor4D, { cos, signedSin }), (a) => tf.add(tf.mul(a!, cos), tf.mul(swap(a!), signedSin)), [x]);
  });

  test("a rotation keeps lengths, and its gradient turns back", () => {
    const table = tableOf([[0, 1, 2, 3, 4]]);
    const x = randomTensor<tf.Rank.R4>([BATCH, WIDTH, HEADS, DIM], 3);
    const [before, after] = [x, rotary(x, table)].map((y) => [...tf.norm(y, 2, 3).dataSync()]);
    expect(maxDifference(after!, before!)).toBeLessThan(1e-5);
    const gradient = tf.grad((a) => tf.mul(tf.sum(tf.square(rotary(a as tf.Tensor4D, table))), 0.5))(x); // d ½|Rx|² / dx = RᵀRx = x
    expect(maxDifference(gradient.dataSync(), x.dataSync())).toBeLessThan(1e-5);
  });

  test("leaves no tensor behind", async () => {
    const table = tableOf([[0, 1, 2, 3, 4]]);
    const x = randomTensor<tf.Rank.R4>([BATCH, WIDTH, HEADS, DIM], 3);
    await expectNoLeak(() => outputAndGradients((a) => rotary(a as tf.Tensor4D, table), [x]));
  });
});
