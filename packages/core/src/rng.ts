/**
 * splitmix64 (Steele, Lea, Flood 2014): one 64-bit word of state, so a checkpoint holds it as one string.
 * Every random choice in a run comes from streams forked off the seed in the config.
 */
export class Rng {
  /** The state's upper and lower 32 bits: plain numbers, since weights are drawn by the million and a bigint is 20 times slower. */
  #high = 0;
  #low = 0;
  /** The word drawn last, in the same two parts. */
  #wordHigh = 0;
  #wordLow = 0;

  constructor(seed: number | bigint) {
    this.#setState(BigInt(seed));
  }

  /** The next 64 random bits. */
  next(): bigint {
    this.#draw();
    return (BigInt(this.#wordHigh) << 32n) | BigInt(this.#wordLow);
  }

  /** A whole number in [0, n), as `next() mod n`. */
  below(n: number): number {
    return Number(this.next() % BigInt(n));
  }

  /** A number in [0, 1) with 53 random bits. */
  uniform(): number {
    this.#draw();
    return (this.#wordHigh * 2 ** 21 + (this.#wordLow >>> 11)) / 2 ** 53;
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
    this.#setState(BigInt(state));
  }

  get #state(): bigint {
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  #setState(state: bigint): void {
    this.#high = Number(BigInt.asUintN(32, state >> 32n));
    this.#low = Number(BigInt.asUintN(32, state));
  }

  #draw(): void {
    const low = this.#low + 0x7f4a7c15;
    this.#high = (this.#high + 0x9e3779b9 + (low > 0xffffffff ? 1 : 0)) >>> 0;
    this.#low = low >>> 0;
    this.#wordHigh = this.#high;
    this.#wordLow = this.#low;
    this.#foldDown(30);
    this.#multiply(0xbf58476d, 0x1ce4e5b9);
    this.#foldDown(27);
    this.#multiply(0x94d049bb, 0x133111eb);
    this.#foldDown(31);
  }

  /** word ^= word >> bits, for bits below 32 */
  #foldDown(bits: number): void {
    this.#wordLow = (this.#wordLow ^ ((this.#wordLow >>> bits) | (this.#wordHigh << (32 - bits)))) >>> 0;
    this.#wordHigh = (this.#wordHigh ^ (this.#wordHigh >>> bits)) >>> 0;
  }

  /** word *= high · 2³² + low, modulo 2⁶⁴ */
  #multiply(high: number, low: number): void {
    const [a0, a1] = [this.#wordLow & 0xffff, this.#wordLow >>> 16];
    const [b0, b1] = [low & 0xffff, low >>> 16];
    const middle = a0 * b1 + a1 * b0 + ((a0 * b0) >>> 16); // below 2³⁴
    const carried = a1 * b1 + Math.floor(middle / 0x10000);
    this.#wordHigh = (carried + Math.imul(this.#wordHigh, low) + Math.imul(this.#wordLow, high)) >>> 0;
    this.#wordLow = Math.imul(this.#wordLow, low) >>> 0;
  }
}
