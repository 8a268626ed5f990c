import { tf } from "../../tf.js";
import { bfloat16Pairs } from "../bfloat16-pairs.js";
import { rawChain } from "../raw-chain.js";
import type { FrozenTable } from "./frozen-weight.js";

/** Each number's upper 16 bits, rounded to nearest even. */
export class Bfloat16Weight implements FrozenTable {
  /** [out, in / 2] */
  readonly bits: tf.Tensor2D;

  private constructor(bits: tf.Tensor2D) {
    this.bits = tf.keep(bits);
  }

  static of(weight: tf.Tensor2D): Bfloat16Weight {
    const [out, width] = weight.shape;
    const bits = tf.tidy(() => bfloat16Pairs(tf.reshape(weight, [out, width / 2, 2])));
    return new Bfloat16Weight(bits as tf.Tensor2D);
  }

  /** From a file's bytes, bit for bit; they may be overwritten afterwards. */
  static ofBytes(bytes: Uint8Array, [out, width]: readonly number[]): Bfloat16Weight {
    return new Bfloat16Weight(rawChain(({ bytes: view, bitcast, copy }) => copy(bitcast(view(bytes, [out!, width! / 2, 4]), "float32"))) as tf.Tensor2D);
  }

  get shape(): [number, number] {
    return [this.bits.shape[0], 2 * this.bits.shape[1]];
  }

  get bytes(): number {
    return 4 * this.bits.size;
  }

  dense(): tf.Tensor2D {
    return numbersOf(this.bits);
  }

  gather(ids: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() => numbersOf(tf.gather(this.bits, ids)));
  }

  rows(start: number, count: number): tf.Tensor2D {
    return tf.tidy(() => numbersOf(tf.slice(this.bits, [start, 0], [count, -1])));
  }

  dispose(): void {
    this.bits.dispose();
  }
}

/** [n, in / 2] of pairs → [n, in] */
function numbersOf(bits: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.reshape(rawChain(({ of, bitcast, cast }) => cast(bitcast(of(bits), "bfloat16"), "float32")), [bits.shape[0], 2 * bits.shape[1]]));
}
