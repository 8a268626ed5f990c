import { describe, expect, it } from "vitest";
import { MixtureLoader, SeededLoader, groupByLength, type LoaderOptions } from "@verlet/data";
import { Rng } from "@verlet/core";

describe("groupByLength", () => {
  // get_length_grouped_indices of transformers 5.23 on these lengths and this permutation of them.
  const lengths = [4, 3, 6, 3, 9, 9, 9, 8, 5, 3, 9, 2, 8, 8, 2, 9, 6, 5, 3, 7, 2, 2, 2];
  const shuffled = [9, 4, 20, 11, 22, 6, 13, 12, 1, 19, 3, 2, 16, 7, 18, 0, 8, 10, 17, 15, 14, 5, 21];
  const grouped = [4, 9, 20, 11, 6, 13, 12, 22, 19, 2, 1, 3, 7, 16, 0, 18, 10, 15, 8, 17, 5, 14, 21];

  it("orders rows as transformers does", () => {
    expect(groupByLength(shuffled, { lengthOf: (i) => lengths[i]!, batchSize: 2 })).toEqual(grouped);
  });

  it("sorts at most 50 batches at a time, and a quarter of the rows", () => {
    const values = new Rng(1).shuffle(Array.from({ length: 1000 }, (_, i) => i));
    const order = groupByLength(values, { lengthOf: (value) => value, batchSize: 2 });
    expect([...order].sort((a, b) => a - b)).toEqual([...values].sort((a, b) => a - b));
    expect(order[0]).toBe(999);
    for (let start = 0; start < 1000; start += 100) {
      const rest = order.slice(start + 1, start + 100); // the first of one mega-batch has changed places with 999
      expect(rest).toEqual(values.slice(start, start + 100).filter((value) => rest.includes(value)).sort((a, b) => b - a));
      expect(rest).toHaveLength(99);
    }
    expect(groupByLength([3, 5, 4, 1], { lengthOf: (value) => value, batchSize: 2 })).toEqual([5, 3, 4, 1]);
  });
});

describe.each<[string, (options: LoaderOptions<string>) => SeededLoader<string> | MixtureLoader<string>]>([
  ["SeededLoader", (options) => new SeededLoader(rows, options)],
  ["MixtureLoader", (options) => new MixtureLoader([{ name: "a", weight: 3, rows: rows.slice(0, 20) }, { name: "b", weight: 1, rows: rows.slice(20) }], options)],
])("%s with groups", (_, make) => {
  const groups = { lengthOf: (row: string) => row.length, batchSize: 2 };
  const options = { seed: 3, shuffle: true, groups };

  it("gives the shuffled rows of each epoch, grouped", () => {
    const [plain, grouped] = [make({ seed: 3, shuffle: true }), make(options)];
    const epochs = [0, 1].map(() => {
      const order = grouped.next(grouped.length);
      expect(order).toEqual(groupByLength(plain.next(plain.length), groups));
      return order;
    });
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it("goes on from a saved state, in the middle of an epoch and of a mega-batch", () => {
    for (const taken of [0, 3, 7, 31, 45]) {
      const loader = make(options);
      loader.next(taken);
      const saved = JSON.parse(JSON.stringify(loader.state())) as ReturnType<typeof loader.state>;
      const resumed = make(options);
      resumed.restore(saved);
      expect(resumed.next(40)).toEqual(loader.next(40));
    }
  });

  it("refuses the position of another order", () => {
    expect(() => make(options).restore(make({ seed: 3, shuffle: true }).state())).toThrow("the checkpoint was made with other data (groupedBy): got 2, expected 0.");
    expect(() => make(options).restore(make({ ...options, groups: { ...groups, batchSize: 4 } }).state())).toThrow("(groupedBy): got 2, expected 4.");
  });
});

const rows = Array.from({ length: 31 }, (_, i) => `${String.fromCharCode(97 + (i % 26))}${"x".repeat((i * 7) % 11)}${i}`);
