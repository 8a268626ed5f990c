import { describe, expect, it } from "vitest";
import { MixtureLoader, SeededLoader, loaderOf } from "@verlet/data";

const source = (name: string, weight: number, size: number): { name: string; weight: number; rows: string[] } => ({ name, weight, rows: Array.from({ length: size }, (_, i) => `${name}${i}`) });
const shuffled = { seed: 3, shuffle: true };
const count = (rows: readonly string[], letter: string): number => rows.filter((row) => row.startsWith(letter)).length;

describe("MixtureLoader", () => {
  it("gives each source its share of every epoch, as many rows as all sources have", () => {
    const loader = new MixtureLoader([source("a", 3, 2), source("b", 1, 10)], shuffled);
    expect(loader.length).toBe(12);
    expect(loader.shares).toEqual([{ name: "a", rows: 9 }, { name: "b", rows: 3 }]);
    for (let epoch = 0; epoch < 3; epoch++) {
      const rows = loader.next(12);
      expect([count(rows, "a"), count(rows, "b")]).toEqual([9, 3]);
    }
  });

  it("shows every row of a source before one comes again, across epochs", () => {
    const loader = new MixtureLoader([source("a", 3, 2), source("b", 1, 10)], shuffled);
    const drawn = loader.next(12 * 10); // 30 of b: three passes of its 10 rows, an epoch holds 3
    for (let i = 0; i < 10; i++) expect(drawn.filter((row) => row === `b${i}`)).toHaveLength(3);
    const b = drawn.slice(0, 36).filter((row) => row.startsWith("b"));
    expect(new Set(b).size).toBe(9);
    expect(drawn.filter((row) => row === "a0")).toHaveLength(45);
  });

  it("rounds shares by the largest remainder: 10 rows by 1 : 1 : 1 are 4, 3 and 3", () => {
    expect(new MixtureLoader([source("a", 1, 5), source("b", 1, 3), source("c", 1, 2)], shuffled).shares.map(({ rows }) => rows)).toEqual([4, 3, 3]);
  });

  it("takes turns evenly and keeps each file's order without shuffling", () => {
    const loader = new MixtureLoader([source("a", 2, 3), source("b", 1, 3)], { seed: 1, shuffle: false });
    expect(loader.next(12)).toEqual(["a0", "b0", "a1", "a2", "b1", "a0", "a1", "b2", "a2", "a0", "b0", "a1"]);
  });

  it("is the same for the same seed, another for another, and another each epoch", () => {
    const draw = (seed: number): string[] => new MixtureLoader([source("a", 1, 20), source("b", 1, 20)], { seed, shuffle: true }).next(80);
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    expect(draw(5).slice(0, 40)).not.toEqual(draw(5).slice(40));
  });

  it("goes on from a saved state, through JSON and across epochs", () => {
    for (const taken of [0, 5, 12, 31]) {
      const make = (): MixtureLoader<string> => new MixtureLoader([source("a", 3, 2), source("b", 1, 10)], shuffled);
      const loader = make();
      loader.next(taken);
      const saved = JSON.parse(JSON.stringify(loader.state())) as ReturnType<typeof loader.state>;
      const resumed = make();
      resumed.next(2);
      resumed.restore(saved);
      expect(resumed.next(40)).toEqual(loader.next(40));
    }
  });

  it("refuses a state of other data, weights or seed, and of one data set", () => {
    const state = new MixtureLoader([source("a", 3, 2), source("b", 1, 10)], shuffled).state();
    const other = (a: number, weight: number, seed: number) => (): void => new MixtureLoader([source("a", weight, a), source("b", 1, 10)], { seed, shuffle: true }).restore(state);
    expect(other(3, 3, 3)).toThrow("other data (sizes): got [3,10], expected [2,10]");
    expect(other(2, 1, 3)).toThrow("other data (weights): got [1,1], expected [3,1]");
    expect(other(2, 3, 4)).toThrow("other data (seed): got 4, expected 3");
    const single = new SeededLoader(["x"], shuffled).state();
    expect(() => new MixtureLoader([source("a", 1, 1)], shuffled).restore(single)).toThrow("expected one data set without weights");
  });

  it("refuses sources that could give nothing", () => {
    expect(() => new MixtureLoader([source("a", 1, 0), source("b", 1, 3)], shuffled)).toThrow("[a] no row of this data set is left to draw");
    expect(() => new MixtureLoader([source("a", 0.001, 3), source("b", 1, 3)], shuffled)).toThrow("[a] its weight gives it not one row of an epoch: got weight 0.001");
  });
});

describe("loaderOf", () => {
  const rows = Array.from({ length: 6 }, (_, i) => ({ i }));
  const [a, b] = [rows.slice(0, 4), rows.slice(4)];

  it("draws every kept row once an epoch without weights", () => {
    const loader = loaderOf({ sources: [{ name: "a", rows: a }, { name: "b", rows: b }] }, rows.slice(1), { seed: 1, shuffle: false });
    expect(loader.next(6).map(({ i }) => i)).toEqual([1, 2, 3, 4, 5, 1]);
  });

  it("draws by weight among the kept rows, and says so", () => {
    const lines: string[] = [];
    const loader = loaderOf({ sources: [{ name: "a", weight: 1, rows: a }, { name: "b", weight: 3, rows: b }] }, [rows[0]!, rows[2]!, ...b], { seed: 1, shuffle: false }, (line) => lines.push(line));
    expect(loader.length).toBe(4);
    expect(loader.next(8).map(({ i }) => i).sort()).toEqual([0, 2, 4, 4, 4, 5, 5, 5]);
    expect(lines).toEqual(["data: an epoch takes 1 rows of a (it has 2), 3 rows of b (it has 2)"]);
  });
});
