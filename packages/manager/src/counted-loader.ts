import type { DataLoader, Json } from "@verlet/core";

/** Counts the rows an algorithm really drew; with refills (DAPO) they are more than steps × batch size. */
export class CountedLoader<T> implements DataLoader<T> {
  readonly #inner: DataLoader<T>;
  drawn = 0;

  constructor(inner: DataLoader<T>) {
    this.#inner = inner;
  }

  get length(): number {
    return this.#inner.length;
  }

  /** Passes over the data so far, with its fraction. */
  get epoch(): number {
    return this.drawn / this.length;
  }

  next(count: number): T[] {
    const rows = this.#inner.next(count);
    this.drawn += rows.length;
    return rows;
  }

  state(): Json {
    return { drawn: this.drawn, inner: this.#inner.state() };
  }

  restore(state: Json): void {
    const { drawn, inner } = state as { drawn: number; inner: Json };
    this.drawn = drawn;
    this.#inner.restore(inner);
  }
}
