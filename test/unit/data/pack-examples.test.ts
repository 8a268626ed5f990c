import { describe, expect, it } from "vitest";
import { Rng } from "@verlet/core";
import { bestFitDecreasing, describePacking, packExamples, segmentStarts, type SftExample } from "@verlet/data";

/** An example whose tokens are `first`, `first` + 1, …; of each, only the first one is not trained. */
const example = (first: number, length: number): SftExample => ({
  ids: Array.from({ length }, (_, t) => first + t),
  mask: Uint8Array.from({ length }, (_, t) => Number(t > 0)),
  row: { first },
});

describe("bestFitDecreasing", () => {
  it.each<[string, number[], number, number[][]]>([
    // 7 and 3 fill a row; 6 takes 2 and 2, of which the second leaves nothing; 5 stays with 4.
    ["the longest first, each where it leaves the least room", [2, 7, 3, 6, 5, 2, 4], 10, [[1, 2], [3, 6], [4, 0, 5]]],
    ["first fit would put 3 beside 5", [5, 6, 3, 4], 10, [[1, 3], [0, 2]]],
    ["the best fit is not the first row with room", [6, 7, 3], 10, [[1, 2], [0]]],
    ["rows that are full from the start", [4, 4, 4], 4, [[0], [1], [2]]],
    ["nothing fits beside another", [3, 4, 3], 5, [[1], [0], [2]]],
    ["no examples", [], 5, []],
  ])("%s", (_, lengths, size, rows) => expect(bestFitDecreasing(lengths, size)).toEqual(rows));

  it("takes every example once, fills no row beyond its size, and leaves no two rows that would fit into one", () => {
    const rng = new Rng(7);
    for (let round = 0; round < 50; round++) {
      const size = 2 + rng.below(40);
      const lengths = Array.from({ length: rng.below(60) }, () => 1 + rng.below(size));
      const rows = bestFitDecreasing(lengths, size);
      expect(rows.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
      const filled = rows.map((row) => row.reduce((sum, i) => sum + lengths[i]!, 0)).sort((a, b) => a - b);
      expect(Math.max(0, ...filled)).toBeLessThanOrEqual(size);
      if (filled.length > 1) expect(filled[0]! + filled[1]!).toBeGreaterThan(size);
    }
  });

  it("refuses an example that fits into no row", () => {
    expect(() => bestFitDecreasing([3, 6], 5)).toThrow("[packing] an example is longer than a row: got 6 tokens, expected at most 5.");
  });
});

describe("packExamples", () => {
  const examples = [example(10, 2), example(20, 7), example(30, 3), example(40, 6), example(50, 5), example(60, 2), example(70, 4)];

  it("joins what comes together in the order of the data; first tokens are not trained", () => {
    const packed = packExamples([example(10, 2), { ...example(20, 3), mask: Uint8Array.of(1, 0, 1) }, example(30, 4)], 5);
    expect(packed).toEqual([
      { ids: [10, 11, 20, 21, 22], mask: Uint8Array.of(0, 1, 0, 0, 1), row: { first: 10 }, lengths: [2, 3] },
      { ids: [30, 31, 32, 33], mask: Uint8Array.of(0, 1, 1, 1), row: { first: 30 }, lengths: [4] },
    ]);
  });

  it("has every example whole and once, whatever the seed", () => {
    for (const rng of [undefined, new Rng(1), new Rng(2)]) {
      const packed = packExamples(examples, 10, rng);
      const cut = packed.flatMap(({ ids, lengths }) => lengths!.map((_, i) => ids.slice(sum(lengths!.slice(0, i)), sum(lengths!.slice(0, i + 1)))));
      expect(cut.sort((a, b) => a[0]! - b[0]!)).toEqual(examples.map(({ ids }) => ids));
      expect(packed.map(({ ids }) => ids.length).sort((a, b) => a - b)).toEqual([9, 10, 10]);
      expect(packed.map(({ ids }) => ids[0])).toEqual(packed.map(({ row }) => row.first));
      expect(sum(packed.flatMap(({ mask }) => [...mask]))).toBe(sum(examples.map(({ ids }) => ids.length - 1)));
    }
  });

  it("is the same for the same seed; another seed puts other examples of a length together", () => {
    const many = Array.from({ length: 30 }, (_, i) => example(100 * i, 3 + (i % 3)));
    const pack = (seed: number): unknown => packExamples(many, 12, new Rng(seed)).map(({ ids }) => ids);
    expect(pack(1)).toEqual(pack(1));
    expect(pack(1)).not.toEqual(pack(2));
  });

  it("says how full the rows are, and where packing came to nothing", () => {
    expect(describePacking(packExamples(examples, 10), 10)).toBe("7 examples packed into 3 rows of at most 10 tokens, 96.7 % full");
    expect(describePacking(packExamples([example(1, 4), example(9, 3)], 5), 5)).toBe(
      "2 examples packed into 2 rows of at most 5 tokens, 70.0 % full; no two fit into one, so raise data.maxLength or leave data.packing out",
    );
  });
});

describe("segmentStarts", () => {
  it("has the beginning of each token's example; padding and rows of one example too", () => {
    const rows = [{ ids: [1, 2, 3, 4, 5], lengths: [2, 3] }, { ids: [1, 2, 3] }, { ids: [1, 2, 3, 4, 5, 6], lengths: [1, 4, 1] }];
    expect([...segmentStarts(rows, 6)]).toEqual([0, 0, 2, 2, 2, 5, /**/ 0, 0, 0, 3, 3, 3, /**/ 0, 1, 1, 1, 1, 5]);
  });
});

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
