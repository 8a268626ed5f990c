import { describe, expect, it } from "vitest";
import { SeededLoader, collate } from "@verlet/data";

const letters = [..."abcdefg"];

describe("SeededLoader", () => {
  it("gives every row once an epoch, in another order each time", () => {
    const loader = new SeededLoader(letters, { seed: 1, shuffle: true });
    const epochs = [0, 1, 2].map(() => loader.next(7).join(""));
    for (const epoch of epochs) expect([...epoch].sort()).toEqual(letters);
    expect(new Set(epochs).size).toBe(3);
    expect(loader.epoch).toBe(3);
  });

  it("keeps the order of the file without shuffling, across the end of an epoch", () => {
    const loader = new SeededLoader(letters, { seed: 1, shuffle: false });
    expect([loader.next(5), loader.next(5), loader.next(12)].map((rows) => rows.join(""))).toEqual(["abcde", "fgabc", "defgabcdefga"]);
  });

  it("is the same for the same seed and another for another", () => {
    const first = (seed: number): string => new SeededLoader(letters, { seed, shuffle: true }).next(7).join("");
    expect(first(5)).toBe(first(5));
    expect(first(5)).not.toBe(first(6));
  });

  it("goes on from a saved state as if nothing had happened, through JSON and across epochs", () => {
    for (const taken of [0, 3, 7, 10]) {
      const loader = new SeededLoader(letters, { seed: 3, shuffle: true });
      loader.next(taken);
      const saved = JSON.parse(JSON.stringify(loader.state())) as ReturnType<typeof loader.state>;
      const resumed = new SeededLoader(letters, { seed: 3, shuffle: true });
      resumed.next(2);
      resumed.restore(saved);
      expect(resumed.next(20)).toEqual(loader.next(20));
    }
  });

  it("refuses a state of other data or another seed", () => {
    const state = new SeededLoader(letters, { seed: 3, shuffle: true }).state();
    expect(() => new SeededLoader(letters.slice(1), { seed: 3, shuffle: true }).restore(state)).toThrow(/other data \(rows\): got 6, expected 7/);
    expect(() => new SeededLoader(letters, { seed: 4, shuffle: true }).restore(state)).toThrow(/other data \(seed\): got 4, expected 3/);
  });

  it("refuses to load nothing", () => {
    expect(() => new SeededLoader([], { seed: 1, shuffle: true })).toThrow("[data] nothing to load: got 0 rows");
  });
});

describe("collate", () => {
  it("pads on the right", () => {
    const batch = collate([[5, 6, 7], [8], []], 9);
    expect(batch).toEqual({ ids: Int32Array.of(5, 6, 7, 8, 9, 9, 9, 9, 9), lengths: Int32Array.of(3, 1, 0), rows: 3, width: 3 });
  });

  it("refuses an empty batch", () => {
    expect(() => collate([], 0)).toThrow("[collate] nothing to batch");
  });
});
