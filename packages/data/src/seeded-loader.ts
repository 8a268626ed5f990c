/** Rows in a seeded order, epoch after epoch. */
import type { DataLoader, Json } from "@verlet/core";
import { CheckpointError, DataError, Rng } from "@verlet/core";

export interface LoaderOptions {
  seed: number;
  /** False keeps the order of the file in every epoch. */
  shuffle: boolean;
}

/** Its order depends on nothing but the seed, the epoch and the number of rows, so its state is two numbers. */
export class SeededLoader<T> implements DataLoader<T> {
  readonly #rows: readonly T[];
  readonly #options: LoaderOptions;
  #epoch = 0;
  #position = 0;
  #order: readonly number[];

  /** @throws DataError without rows. */
  constructor(rows: readonly T[], options: LoaderOptions) {
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
    return { epoch: this.#epoch, position: this.#position, rows: this.#rows.length, ...this.#options };
  }

  /** @throws CheckpointError when the state is of other data or another seed. */
  restore(state: Json): void {
    const saved = state as { epoch: number; position: number; rows: number; seed: number; shuffle: boolean };
    const here = { rows: this.#rows.length, ...this.#options };
    for (const key of ["rows", "seed", "shuffle"] as const) {
      if (saved[key] === here[key]) continue;
      throw new CheckpointError({
        where: "data position",
        what: `the checkpoint was made with other data (${key})`,
        got: String(here[key]),
        expected: String(saved[key]),
        fix: "Resume with the same data and seed, or start anew with trainer.resume: never and another outputDir",
      });
    }
    this.#epoch = saved.epoch;
    this.#position = saved.position;
    this.#order = this.#orderOf(saved.epoch);
  }

  #one(): T {
    const row = this.#rows[this.#order[this.#position]!]!;
    this.#position++;
    if (this.#position === this.#rows.length) {
      this.#epoch++;
      this.#position = 0;
      this.#order = this.#orderOf(this.#epoch);
    }
    return row;
  }

  #orderOf(epoch: number): number[] {
    const order = Array.from(this.#rows, (_, i) => i);
    return this.#options.shuffle ? new Rng(this.#options.seed).fork(`epoch ${epoch}`).shuffle(order) : order;
  }
}
