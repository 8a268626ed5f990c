import { tf } from "../../tf.js";
import { rawChain } from "../raw-chain.js";
import { largest, type FrozenWeight } from "./frozen-weight.js";

/** The largest |q|. */
const INT8_MAX = 127;

/** q = round(127·w / max|w|) a row, as the weights of LLM.int8() (Dettmers et al. 2022); there are no outlier columns. */
export class Int8Weight implements FrozenWeight {
  /** [out, in / 4] */
  readonly bits: tf.Tensor2D;
  /** max|w| / 127 of each row, [out, 1] */
  readonly scales: tf.Tensor2D;

  private constructor(bits: tf.Tensor2D, scales: tf.Tensor2D) {
    this.bits = tf.keep(bits);
    this.scales = tf.keep(scales);
  }

  static of(weight: tf.Tensor2D): Int8Weight {
    const [out, width] = weight.shape;
    const [bits, scales] = tf.tidy(() => {
      const scales = tf.div(largest(weight), INT8_MAX); // [out, 1]
      const rounded = tf.reshape(tf.round(tf.div(weight, scales)), [out, width / 4, 4]);
      return [rawChain(({ of, cast, bitcast }) => bitcast(cast(of(rounded), "int8"), "float32")), scales];
    }) as [tf.Tensor2D, tf.Tensor2D];
    return new Int8Weight(bits, scales);
  }

  get shape(): [number, number] {
    return [this.bits.shape[0], 4 * this.bits.shape[1]];
  }

  get bytes(): number {
    return 4 * (this.bits.size + this.scales.size);
  }

  dense(): tf.Tensor2D {
    return tf.tidy(() => tf.mul(tf.reshape(rawChain(({ of, bitcast, cast }) => cast(bitcast(of(this.bits), "int8"), "float32")), this.shape), this.scales));
  }

  dispose(): void {
    tf.dispose([this.bits, this.scales]);
  }
}
