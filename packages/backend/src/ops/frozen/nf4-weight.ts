import { tf } from "../../tf.js";
import { rawChain } from "../raw-chain.js";
import { tensorOfBytes } from "../stored-floats.js";
import { largest, type FrozenWeight } from "./frozen-weight.js";

/** Numbers that share a scale. */
export const BLOCK = 64;

/** NormalFloat4 (Dettmers et al. 2023, appendix E): quantiles of a normal distribution, with 0 and ±1 among them. */
export const NF4_LEVELS: readonly number[] = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
  0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/** The nearest of 16 levels times its block's max|w|, as QLoRA's 4-bit weights without double quantisation. */
export class Nf4Weight implements FrozenWeight {
  /** [out, in / 8], the first of two codes in the upper half of each byte */
  readonly bits: tf.Tensor2D;
  /** max|w| of each block of 64 along a row, [out · in / 64, 1] */
  readonly scales: tf.Tensor2D;
  /** The four numbers of each pair of bytes, [65536, 4]; shared by all weights. */
  readonly decode: tf.Tensor2D;

  private constructor(bits: tf.Tensor2D, scales: tf.Tensor2D) {
    this.bits = tf.keep(bits);
    this.scales = tf.keep(scales);
    this.decode = tables().decode;
  }

  static of(weight: tf.Tensor2D): Nf4Weight {
    const [out, width] = weight.shape;
    const { upper, lower } = tables();
    const [bits, scales] = tf.tidy(() => {
      const blocks: tf.Tensor2D = tf.reshape(weight, [-1, BLOCK]);
      const scales = largest(blocks); // [out · in / 64, 1]
      const [first, second] = tf.unstack(tf.reshape(tf.div(blocks, scales), [out, width / 8, 4, 2]), 3); // [out, in / 8, 4] each
      const bytes = tf.add(lookUp(upper, first!), lookUp(lower, second!));
      const bits = rawChain(({ of, bitcast, cast }) => bitcast(cast(of(bytes), "uint8"), "float32"));
      return [bits, scales];
    }) as [tf.Tensor2D, tf.Tensor2D];
    return new Nf4Weight(bits, scales);
  }

  get shape(): [number, number] {
    return [this.bits.shape[0], 8 * this.bits.shape[1]];
  }

  get bytes(): number {
    return 4 * (this.bits.size + this.scales.size);
  }

  dense(): tf.Tensor2D {
    return tf.tidy(() => {
      const levels = rawChain(({ of, bitcast, cast, gather }) => gather(of(this.decode), cast(bitcast(of(this.bits), "uint16"), "int32"))); // [out, in / 8, 2, 4]
      return tf.reshape(tf.mul(tf.reshape(levels, [-1, BLOCK]), this.scales), this.shape);
    });
  }

  dispose(): void {
    tf.dispose([this.bits, this.scales]);
  }
}

interface Tables {
  /** [65536, 4] */
  decode: tf.Tensor2D;
  /** 16 · the nearest level's code for each float16, [65536] */
  upper: tf.Tensor1D;
  /** The code itself, [65536] */
  lower: tf.Tensor1D;
}

let made: Tables | undefined;

function tables(): Tables {
  return (made ??= tf.tidy(() => {
    const decode = Float32Array.from({ length: 4 * 65536 }, (_, i) => NF4_LEVELS[(Math.floor(i / 4) >> [4, 0, 12, 8][i % 4]!) & 15]!);
    const codes = decodeFloat16().map(nearestLevel);
    return {
      decode: tf.keep(tf.tensor2d(decode, [65536, 4])),
      upper: tf.keep(tf.tensor1d(codes.map((code) => 16 * code))),
      lower: tf.keep(tf.tensor1d(codes)),
    };
  }));
}

/** Every float16 number, by its bits. */
function decodeFloat16(): Float32Array {
  const bits = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
  return tf.tidy(() => tensorOfBytes(bits, "float16", [65536]).dataSync<"float32">());
}

function nearestLevel(value: number): number {
  const above = NF4_LEVELS.findIndex((level) => !(level < value));
  if (above <= 0) return above === 0 ? 0 : NF4_LEVELS.length - 1;
  return NF4_LEVELS[above]! - value < value - NF4_LEVELS[above - 1]! ? above : above - 1;
}

/** An element of the table for each number, by the number's float16 bits. */
function lookUp(table: tf.Tensor1D, numbers: tf.Tensor): tf.Tensor {
  return rawChain(({ of, cast, bitcast, gather }) => gather(of(table), cast(bitcast(cast(of(numbers), "float16"), "uint16"), "int32")));
}
