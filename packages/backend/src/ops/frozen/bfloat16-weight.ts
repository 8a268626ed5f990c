import { tf } from "../../tf.js";
import { bfloat16Pairs } from "../bfloat16-pairs.js";
import { rawChain } from "../raw-chain.js";
import type { FrozenTable } from "./frozen-weight.js";

/** Each number's upper 16 bits, rounded to nearest even. */
export class Bfloat16Weight implements FrozenTable {
  /** [out, in / 2] */
  readonly pairs: tf.Tensor2D;

  private constructor(pairs: tf.Tensor2D) {
    this.pairs = tf.keep(pairs);
  }

  static of(weight: tf.Tensor2D): Bfloat16Weight {
    const [out, width] = weight.shape;
    const pairs = tf.tidy(() => bfloat16Pairs(tf.reshape(weight, [out, width / 2, 2])));
    return new Bfloat16Weight(pairs as tf.Tensor2D);
  }

  /** From a file's bytes, bit for bit; they may be overwritten afterwards. */
  static ofBytes(bytes: Uint8Array, [out, width]: readonly number[]): Bfloat16Weight {
    return new Bfloat16Weight(rawChain(({ bytes: view, bitcast, copy }) => copy(bitcast(view(bytes, [out!, width! / 2, 4]), "float32"))) as tf.Tensor2D);
  }

  get shape(): [number, number] {
    return [this.pairs.shape[0], 2 * this.pairs.shape[1]];
  }

  get bytes(): number {
    return 4 * this.pairs.size;
  }

  dense(): tf.Tensor2D {
    return numbersOf(this.pairs);
  }

  gather(ids: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() => numbersOf(tf.gather(this.pairs, ids)));
  }

  rows(start: number, count: number): tf.Tensor2D {
    return tf.tidy(() => numbersOf(tf.slice(this.pairs, [start, 0], [count, -1])));
  }

  dispose(): void {
    this.pairs.dispose();
  }
}

/** [n, in / 2] of pairs → [n, in] */
function numbersOf(pairs: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.reshape(rawChain(({ of, bitcast, cast }) => cast(bitcast(of(pairs), "bfloat16"), "float32")), [pairs.shape[0], 2 * pairs.shape[1]]));
}
