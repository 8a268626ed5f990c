/** Rows in a seeded order, epoch after epoch. */
import type { DataLoader, Json } from "@verlet/core";
import { CheckpointError, DataError, Rng } from "@verlet/core";
import type { LengthGroups } from "./length-groups.js";
import { groupByLength } from "./length-groups.js";

export interface LoaderOptions<T = unknown> {
  seed: number;
  /** False keeps the order of the file in every epoch. */
  shuffle: boolean;
  /** Puts rows of similar length together, within the shuffled order. */
  groups?: LengthGroups<T>;
}

/** What of the options a saved position belongs to. */
export function orderKeys({ seed, shuffle, groups }: LoaderOptions<never>): { seed: number; shuffle: boolean; groupedBy: number } {
  return { seed, shuffle, groupedBy: groups?.batchSize ?? 0 };
}

/** Its order depends on nothing but the seed, the epoch, the rows' number and, where they are grouped, their lengths; so its state is two numbers. */
export class SeededLoader<T> implements DataLoader<T> {
  readonly #rows: readonly T[];
  readonly #options: LoaderOptions<T>;
  #epoch = 0;
  #position = 0;
  #order: readonly T[];

  /** @throws DataError without rows. */
  constructor(rows: readonly T[], options: LoaderOptions<T>) {
    if (rows.length === 0) throw new DataError({ where: "data", what: "nothing to load", got: "0 rows", expected: "at least one" });
    this.#rows = rows;
    this.#options = options;
    this.#order = this.#orderOf(0);
  }

  /** Rows in one epoch. */
  get length(): number {
    return this.#rows.length;
  }

  /** Epochs begun before the next row, from 0; grows when the last row of an epoch has been given. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The next rows; goes on into the next epoch where one ends. */
  next(count: number): T[] {
    return Array.from({ length: count }, () => this.#one());
  }

  state(): Json {
    return { epoch: this.#epoch, position: this.#position, rows: this.#rows.length, ...orderKeys(this.#options) };
  }

  /** @throws CheckpointError when the state is of other data or another seed. */
  restore(state: Json): void {
    const saved = state as { epoch: number; position: number } & Record<string, Json>;
    for (const [key, here] of Object.entries({ rows: this.#rows.length, ...orderKeys(this.#options) })) {
      if (saved[key] === here) continue;
      throw new CheckpointError({
        where: "data position",
        what: `the checkpoint was made with other data (${key})`,
        got: String(here),
        expected: String(saved[key]),
        fix: "Resume with the same data and seed, or start anew with trainer.resume: never and another outputDir",
      });
    }
    this.#epoch = saved.epoch;
    this.#position = saved.position;
    this.#order = this.#orderOf(saved.epoch);
  }

  #one(): T {
    const row = this.#order[this.#position]!;
    this.#position++;
    if (this.#position === this.#rows.length) {
      this.#epoch++;
      this.#position = 0;
      this.#order = this.#orderOf(this.#epoch);
    }
    return row;
  }

  #orderOf(epoch: number): readonly T[] {
    const { seed, shuffle, groups } = this.#options;
    const order = shuffle ? new Rng(seed).fork(`epoch ${epoch}`).shuffle([...this.#rows]) : this.#rows;
    return groups ? groupByLength(order, groups) : order;
  }
}
