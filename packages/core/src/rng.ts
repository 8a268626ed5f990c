/**
 * splitmix64 (Steele, Lea, Flood 2014): one 64-bit word of state, so a checkpoint holds it as one string.
 * Every random choice in a run comes from streams forked off the seed in the config.
 */
export class Rng {
  #state: bigint;

  constructor(seed: number | bigint) {
    this.#state = BigInt.asUintN(64, BigInt(seed));
  }

  /** The next 64 random bits. */
  next(): bigint {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n);
    let z = this.#state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  /** A whole number in [0, n), as `next() mod n`. */
  below(n: number): number {
    return Number(this.next() % BigInt(n));
  }

  /** A number in [0, 1) with 53 random bits. */
  uniform(): number {
    return Number(this.next() >> 11n) / 2 ** 53;
  }

  /** A standard normal number (Box–Muller, one of the pair). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles in place, Fisher–Yates from the end. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i >= 1; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }

  /** An independent stream named by `label`, the same for the same parent state. */
  fork(label: string): Rng {
    let hash = 0xcbf29ce484222325n; // FNV-1a over the label
    for (const byte of Buffer.from(label)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
    return new Rng(this.#state ^ hash);
  }

  /** The state as a decimal string, for checkpoints. */
  save(): string {
    return this.#state.toString();
  }

  restore(state: string): void {
    this.#state = BigInt(state);
  }
}
