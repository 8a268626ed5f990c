import { selectBackend, tf } from "@verlet/backend";
import { Rng } from "@verlet/core";
import { beforeAll, describe, expect, it } from "vitest";
import { maxDifference } from "../../helpers/fixtures.js";

const rng = new Rng(11);
const numbers = (shape: readonly number[]): Float32Array => Float32Array.from({ length: shape.reduce((n, size) => n * size, 1) }, () => rng.normal());
const swapped = (shape: readonly number[]): number[] => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];

/** The same computation on both backends; the tensors are made anew on each. */
async function onBoth(compute: () => tf.Tensor): Promise<{ wasm: Float32Array; cpu: Float32Array }> {
  const run = async (name: "wasm" | "cpu"): Promise<Float32Array> => {
    await selectBackend(name);
    const out = tf.tidy(compute);
    const values = out.dataSync<"float32">();
    out.dispose();
    return values;
  };
  return { cpu: await run("cpu"), wasm: await run("wasm") };
}

/**
 * The definition, written out in float64. (The plain backend is no reference here: it takes batch k of one side with
 * batch k mod n of the other, which is not broadcasting where a leading axis of size 1 is not the first.)
 */
function definition(x: Float32Array, a: number[], y: Float32Array, b: number[], transposeA: boolean, transposeB: boolean): { values: number[]; shape: number[] } {
  const rank = Math.max(a.length, b.length);
  const pad = (shape: number[]): number[] => [...Array<number>(rank - shape.length).fill(1), ...shape];
  const [pa, pb] = [pad(a), pad(b)];
  const outer = pa.slice(0, -2).map((size, i) => Math.max(size, pb[i]!));
  const at = (values: Float32Array, shape: number[], position: number[], row: number, column: number, transpose: boolean): number => {
    const last = transpose ? [column, row] : [row, column];
    return values[[...position, ...last].reduce((flat, p, i) => flat * shape[i]! + (shape[i] === 1 ? 0 : p), 0)]!;
  };
  const [rows, inner] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const columns = transposeB ? b.at(-2)! : b.at(-1)!;
  const values: number[] = [];
  for (let k = 0; k < tf.util.sizeFromShape(outer); k++) {
    const position = tf.util.indexToLoc(k, outer.length, tf.util.computeStrides(outer));
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let n = 0; n < inner; n++) sum += at(x, pa, position, i, n, transposeA) * at(y, pb, position, n, j, transposeB);
        values.push(sum);
      }
    }
  }
  return { values, shape: [...outer, rows, columns] };
}

// float32 sums of up to 70 products of N(0, 1) numbers in another order: about 70 · 2^-24 · 4 < 2e-5.
const TOLERANCE = 2e-5;

describe("BatchMatMul on wasm equals its definition", () => {
  beforeAll(async () => void (await selectBackend("wasm")));

  const cases: [left: number[], right: number[]][] = [
    [[5, 7], [7, 3]],
    [[33, 70], [70, 29]],
    [[3, 4, 5], [3, 5, 6]], // below the size at which fast products start
    [[3, 20, 30], [3, 30, 25]],
    [[2, 3, 20, 30], [2, 3, 30, 25]],
    [[4, 20, 30], [1, 30, 25]],
    [[1, 20, 30], [4, 30, 25]],
    [[2, 1, 20, 30], [1, 3, 30, 25]],
    [[2, 3, 20, 30], [30, 25]],
    [[2, 3, 4, 5], [1, 1, 5, 6]],
    [[2, 3, 4, 5], [2, 1, 5, 6]],
  ];
  for (const [left, right] of cases) {
    for (const [transposeA, transposeB] of [[false, false], [false, true], [true, false], [true, true]] as const) {
      const a = transposeA ? swapped(left) : left;
      const b = transposeB ? swapped(right) : right;
      it(`[${a}]${transposeA ? "ᵀ" : ""} · [${b}]${transposeB ? "ᵀ" : ""}`, () => {
        const x = numbers(a);
        const y = numbers(b);
        const expected = definition(x, a, y, b, transposeA, transposeB);
        const product = tf.tidy(() => tf.matMul(tf.tensor(x, a), tf.tensor(y, b), transposeA, transposeB));
        expect(product.shape).toEqual(expected.shape);
        expect(maxDifference(product.dataSync(), expected.values)).toBeLessThan(TOLERANCE);
        product.dispose();
      });
    }
  }

  it("an empty inner axis gives zeros", () => {
    expect([...tf.tidy(() => tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3]))).dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe("right operands that are used again", () => {
  beforeAll(async () => void (await selectBackend("wasm")));

  it("give the same product every time, in both orientations and under another shape", () => {
    tf.tidy(() => {
      const weight = tf.tensor2d(numbers([12, 20]), [12, 20]);
      const x = tf.tensor2d(numbers([9, 20]), [9, 20]);
      const y = tf.tensor2d(numbers([9, 12]), [9, 12]);
      const reshaped = tf.reshape(weight, [20, 12]); // shares the numbers of `weight`
      const products = (): Float32Array[] => [
        tf.matMul(x, weight, false, true).dataSync<"float32">(),
        tf.matMul(y, weight).dataSync<"float32">(),
        tf.matMul(x, reshaped).dataSync<"float32">(),
      ];
      const first = products();
      for (let round = 0; round < 3; round++) expect(products()).toEqual(first);
    });
  });

  it("are read anew after tf.Variable.assign", () => {
    const weight = tf.variable(tf.tensor2d([1, 2, 3, 4], [2, 2]));
    const x = tf.tensor2d([1, 10], [1, 2]);
    const product = (): number[] => tf.tidy(() => [...tf.matMul(x, weight, false, true).dataSync()]);
    for (let round = 0; round < 3; round++) expect(product()).toEqual([21, 43]); // 1·1 + 10·2, 1·3 + 10·4
    tf.tidy(() => weight.assign(tf.tensor2d([0, 1, 1, 0], [2, 2])));
    for (let round = 0; round < 3; round++) expect(product()).toEqual([10, 1]);
    tf.dispose([weight, x]);
  });

  it("keep no memory once they are disposed", () => {
    const heap = (): number => (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
    const round = (): void =>
      tf.tidy(() => {
        const weight = tf.zeros([512, 512]); // 1 MiB, and as much again packed and transposed
        const x = tf.zeros([4, 512]);
        for (let use = 0; use < 3; use++) tf.matMul(tf.matMul(x, weight, false, true), weight);
      });
    for (let i = 0; i < 3; i++) round();
    const tensors = tf.memory().numTensors;
    const ids = tf.engine().backend.numDataIds();
    const before = heap();
    for (let i = 0; i < 60; i++) round();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(tf.engine().backend.numDataIds()).toBe(ids);
    expect(heap()).toBe(before); // a leak of one copy a round would be 60 MiB
  });
});

describe("UnsortedSegmentSum on wasm", () => {
  beforeAll(async () => void (await selectBackend("wasm")));

  it("sums the rows of each segment and leaves out negative ids", () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);
      const sums = tf.unsortedSegmentSum(x, tf.tensor1d([2, 0, 2, -1], "int32"), 3);
      // Segment 0: row 1; segment 1: nothing; segment 2: rows 0 and 2, 1 + 5 and 2 + 6.
      expect([...sums.dataSync()]).toEqual([3, 4, 0, 0, 6, 8]);
    });
  });

  it("gives the gradient of a gather that the plain backend gives", async () => {
    const table = numbers([7, 5]);
    const rows = tf.util.createShuffledIndices(7);
    const weights = numbers([7, 5]);
    const { wasm, cpu } = await onBoth(() =>
      tf.grad((t: tf.Tensor) => tf.sum(tf.mul(tf.gather(t, tf.tensor1d([...rows.slice(0, 4), 3, 3, 0], "int32")), tf.tensor2d(weights, [7, 5]))))(tf.tensor2d(table, [7, 5])),
    );
    expect(maxDifference(wasm, cpu)).toBeLessThan(1e-6);
  });

  it("names an id that is too large", () => {
    expect(() => tf.tidy(() => tf.unsortedSegmentSum(tf.zeros([2, 2]), tf.tensor1d([0, 3], "int32"), 3))).toThrow("segment id 3 at 1 is not below 3");
  });
});
