/** Rows of several data sets in the shares their weights ask for. */
import type { DataLoader, Json } from "@verlet/core";
import { CheckpointError, DataError, Rng } from "@verlet/core";
import { groupByLength } from "./length-groups.js";
import type { SourcedRows } from "./read-rows.js";
import type { LoaderOptions } from "./seeded-loader.js";
import { SeededLoader, orderKeys } from "./seeded-loader.js";

export interface WeightedSource<T> {
  name: string;
  weight: number;
  rows: readonly T[];
}

/**
 * An epoch has as many rows as all sources together. Each source gives the part of them that its weight is of all weights,
 * in whole rows (the largest remainders are rounded up), and goes on where the epoch before left it: through its own rows in
 * a seeded order, a new one each time it has given all. So a source whose share is larger than it is comes several times in an
 * epoch, and one whose share is smaller is seen over several epochs, in full. With `shuffle` the rows of an epoch come in a
 * seeded order, by length where that is asked for; without it each source keeps its file's order and the sources take turns, evenly by weight.
 *
 * Nothing but seed, sizes, weights and lengths decides, so the state is two numbers.
 */
export class MixtureLoader<T> implements DataLoader<T> {
  readonly #sources: readonly WeightedSource<T>[];
  readonly #options: LoaderOptions<T>;
  readonly #shares: readonly number[];
  /** The source of each row of an epoch, before it is shuffled. */
  readonly #turns: readonly number[];
  #epoch = 0;
  #position = 0;
  #rows: readonly T[];

  /** @throws DataError for a source without rows, or with so little weight that it would never come. */
  constructor(sources: readonly WeightedSource<T>[], options: LoaderOptions<T>) {
    for (const { name, rows } of sources) {
      if (rows.length === 0) throw new DataError({ where: name, what: "no row of this data set is left to draw", got: "0 rows", expected: "at least one", fix: "Take it off data.train, or raise the limit that dropped its rows" });
    }
    this.#sources = sources;
    this.#options = options;
    this.#shares = sharesOf(sources.map(({ weight }) => weight), sources.reduce((sum, { rows }) => sum + rows.length, 0));
    const none = this.#shares.indexOf(0);
    if (none >= 0) throw new DataError({ where: sources[none]!.name, what: "its weight gives it not one row of an epoch", got: `weight ${sources[none]!.weight}`, fix: "Raise the weight, or take the data set off data.train" });
    this.#turns = takeTurns(this.#shares);
    this.#rows = this.#rowsOf(0);
  }

  /** Rows in one epoch. */
  get length(): number {
    return this.#turns.length;
  }

  /** Rows of each source in one epoch. */
  get shares(): readonly { name: string; rows: number }[] {
    return this.#sources.map(({ name }, i) => ({ name, rows: this.#shares[i]! }));
  }

  /** The next rows; goes on into the next epoch where one ends. */
  next(count: number): T[] {
    return Array.from({ length: count }, () => this.#one());
  }

  state(): Json {
    return { epoch: this.#epoch, position: this.#position, ...this.#identity() };
  }

  /** @throws CheckpointError when the state is of other data, weights or another seed. */
  restore(state: Json): void {
    const saved = state as { epoch: number; position: number } & Record<string, Json>;
    for (const [key, here] of Object.entries(this.#identity())) {
      const [got, expected] = [here, saved[key]].map((value) => JSON.stringify(value));
      if (got === expected) continue;
      throw new CheckpointError({
        where: "data position",
        what: `the checkpoint was made with other data (${key})`,
        got: got!,
        expected: expected ?? "one data set without weights",
        fix: "Resume with the same data and seed, or start anew with trainer.resume: never and another outputDir",
      });
    }
    this.#epoch = saved.epoch;
    this.#position = saved.position;
    this.#rows = this.#rowsOf(saved.epoch);
  }

  #identity(): { sizes: number[]; weights: number[] } & ReturnType<typeof orderKeys> {
    return { sizes: this.#sources.map(({ rows }) => rows.length), weights: this.#sources.map(({ weight }) => weight), ...orderKeys(this.#options) };
  }

  #one(): T {
    const row = this.#rows[this.#position]!;
    this.#position++;
    if (this.#position === this.length) {
      this.#epoch++;
      this.#position = 0;
      this.#rows = this.#rowsOf(this.#epoch);
    }
    return row;
  }

  #rowsOf(epoch: number): T[] {
    const given = this.#sources.map((source, i) => this.#stretch(source, i, epoch * this.#shares[i]!, this.#shares[i]!));
    const taken = given.map(() => 0);
    const rows = this.#turns.map((i) => given[i]![taken[i]!++]!);
    const { seed, shuffle, groups } = this.#options;
    const order = shuffle ? new Rng(seed).fork(`epoch ${epoch}`).shuffle(rows) : rows;
    return groups ? groupByLength(order, groups) : order;
  }

  /** `count` rows of a source from its `start`-th on, counted over all its passes. */
  #stretch({ rows }: WeightedSource<T>, source: number, start: number, count: number): T[] {
    const orders = new Map<number, readonly number[]>();
    return Array.from({ length: count }, (_, i) => {
      const pass = Math.floor((start + i) / rows.length);
      const order = orders.get(pass) ?? this.#orderOf(source, pass, rows.length);
      orders.set(pass, order);
      return rows[order[(start + i) % rows.length]!]!;
    });
  }

  #orderOf(source: number, pass: number, count: number): readonly number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    return this.#options.shuffle ? new Rng(this.#options.seed).fork(`source ${source} pass ${pass}`).shuffle(order) : order;
  }
}

/** `total` in whole numbers by weight: all rounded down, then the largest remainders up, the first of equal ones. */
function sharesOf(weights: readonly number[], total: number): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  const exact = weights.map((weight) => (total * weight) / sum);
  const shares = exact.map(Math.floor);
  const left = total - shares.reduce((a, b) => a + b, 0);
  const byRemainder = exact.map((share, i) => ({ i, rest: share - shares[i]! })).sort((a, b) => b.rest - a.rest || a.i - b.i);
  for (const { i } of byRemainder.slice(0, left)) shares[i]!++;
  return shares;
}

/** Every source as often as its share says, spread evenly: the k-th of n has its turn at (k + ½) / n. */
function takeTurns(shares: readonly number[]): number[] {
  const turns = shares.flatMap((count, source) => Array.from({ length: count }, (_, k) => ({ source, at: (k + 0.5) / count })));
  return turns.sort((a, b) => a.at - b.at || a.source - b.source).map(({ source }) => source);
}

/**
 * The loader for rows that were read: by weight where the data sets have weights, else every row once an epoch.
 * @param kept those of the rows that are trained on.
 */
export function loaderOf<T extends object>({ sources }: Pick<SourcedRows, "sources">, kept: readonly T[], options: LoaderOptions<T>, log: (line: string) => void = () => {}): DataLoader<T> {
  if (sources.every(({ weight }) => weight === undefined)) return new SeededLoader(kept, options);
  const left = new Set<object>(kept);
  const loader = new MixtureLoader(sources.map(({ name, weight, rows }) => ({ name, weight: weight!, rows: rows.filter((row) => left.has(row)) as object[] as T[] })), options);
  log(`data: an epoch takes ${loader.shares.map(({ name, rows }, i) => `${rows} rows of ${name} (it has ${sources[i]!.rows.filter((row) => left.has(row)).length})`).join(", ")}`);
  return loader;
}
