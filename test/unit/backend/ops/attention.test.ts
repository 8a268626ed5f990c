import { expect, test } from "vitest";
import { attention, attentionComposed, gradientsOf, HIDDEN, rotary, tf, type RotaryTable } from "@verlet/backend";
import { describeOnBackendsAndWebgpu } from "../../../helpers/backends.js";
import { maxDifference } from "../../../helpers/fixtures.js";
import { peakBytes } from "../../../helpers/peak-bytes.js";
import { expectNoLeak, expectSameFunction, outputAndGradients, randomTensor } from "../../../helpers/tensors.js";

const BATCH = 2;
const WIDTH = 5;
const DIM = 4;

/** [rows, 1, T, T]: causal, and a token sees its own sequence alone. @param sequences of each row's tokens */
function maskOf(sequences: readonly (readonly number[])[], width = WIDTH): tf.Tensor4D {
  const numbers = sequences.flatMap((row) =>
    Array.from({ length: width * width }, (_, i) => {
      const [query, key] = [Math.floor(i / width), i % width];
      return key > query || row[query] !== row[key] ? HIDDEN : 0;
    }),
  );
  return tf.tensor4d(numbers, [sequences.length, 1, width, width]);
}

const causal = (width = WIDTH): tf.Tensor4D => maskOf([new Array<number>(width).fill(0)], width);

const apart = (sequences: readonly (readonly number[])[]): tf.Tensor2D => tf.tensor2d(sequences.map((row) => [...row]));

/** As packed rows have them, and as a row with padding on the left and a gap. */
const ownSequences = [[0, 0, 2, 2, 2], [0, 0, 1, 0, 1]];

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
    const mask = causal();
    expectSameFunction(
      (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D),
      (q, k, v) => attentionComposed(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, mask),
      inputs(heads, kvHeads),
    );
  });

  test("a token sees its own sequence alone, in each row another", () => {
    const mask = maskOf(ownSequences);
    expectSameFunction(
      (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, apart(ownSequences)),
      (q, k, v) => attentionComposed(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, mask),
      inputs(4, 2),
    );
  });

  test.each([
    ["2 queries", { queries: 2 }],
    ["4 queries, the last one alone", { queries: 4 }],
    ["8 scores of each head", { scores: 8 * 4 * BATCH }],
    ["2 queries, probabilities computed again", { queries: 2, kept: 0 }],
    ["1 query, probabilities computed again", { queries: 1, kept: 0 }],
  ])("in chunks of %s it gives the same, with sequences too", (_, limits) => {
    for (const [mask, sequences] of [[causal()], [maskOf(ownSequences), apart(ownSequences)]] as const) {
      expectSameFunction(
        (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, sequences, limits),
        (q, k, v) => attentionComposed(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, mask),
        inputs(4, 2),
      );
    }
  });

  test.each([
    ["rows of one sequence", false],
    ["rows of several", true],
  ])("%s: in chunks, memory grows with the length and not with its square; nothing is left behind", async (_, several) => {
    const pass = (width: number) => (): void => {
      const [q, k, v] = [1, 2, 3].map((seed) => tf.tidy(() => tf.variable(randomTensor([1, width, 4, DIM], seed))));
      const sequences = several ? apart([Array.from({ length: width }, (_, t) => Math.floor(t / 10))]) : undefined;
      const few = { scores: 4 * width * 8, kept: 0 };
      const { value, gradients } = gradientsOf(() => tf.sum(tf.square(attention(q as unknown as tf.Tensor4D, k as unknown as tf.Tensor4D, v as unknown as tf.Tensor4D, sequences, few))), [q!, k!, v!]);
      tf.dispose([q, k, v, value, gradients, sequences ?? []] as tf.Tensor[]);
    };
    expect(peakBytes(pass(128))).toBeLessThan(4.5 * peakBytes(pass(32))); // 16 times the scores
    await expectNoLeak(pass(32));
  });

  test("a query head reads the key head of its own group", () => {
    const [q, k, v] = inputs(4, 2) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
    const third = tf.slice(attention(q, k, v), [0, 0, 2, 0], [BATCH, WIDTH, 1, DIM]);
    const head = (x: tf.Tensor4D, i: number): tf.Tensor4D => tf.slice(x, [0, 0, i, 0], [BATCH, WIDTH, 1, DIM]);
    const alone = attention(head(q, 2), head(k, 1), head(v, 1));
    expect(tf.max(tf.abs(tf.sub(third, alone))).dataSync()[0]).toBeLessThan(1e-6);
  });

  test("what a token cannot see changes nothing, bit for bit", () => {
    const [q, k, v] = inputs(4, 2) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
    const last = (x: tf.Tensor4D): tf.Tensor4D => tf.concat([tf.slice(x, [0, 0, 0, 0], [BATCH, WIDTH - 1, 2, DIM]), tf.fill([BATCH, 1, 2, DIM], 1e4)], 1);
    const before = (x: tf.Tensor4D): number[] => [...tf.slice(x, [0, 0, 0, 0], [BATCH, WIDTH - 1, 4, DIM]).dataSync()];
    for (const queries of [2, 128]) expect(before(attention(q, last(k), last(v), undefined, { queries }))).toEqual(before(attention(q, k, v, undefined, { queries })));
  });

  test("leaves no tensor behind", async () => {
    const given = inputs(4, 2);
    await expectNoLeak(() => outputAndGradients((q, k, v) => tf.tidy(() => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D)), given));
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
