import type { Rng } from "@verlet/core";
import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";
import { isNative, rawOp } from "./raw-op.js";

/**
 * Inverted dropout: each entry is 0 with probability `rate` and 1 / (1 − rate) otherwise.
 * One word of `rng` seeds the whole mask, so a restored stream gives the same mask on the same backend.
 */
export function dropoutMask(shape: number[], rate: number, rng: Rng): tf.Tensor {
  const seed = rng.next();
  const high = Number(BigInt.asIntN(32, seed >> 32n));
  const low = Number(BigInt.asIntN(32, seed));
  return tf.tidy(() => {
    const uniform = isNative() ? nativeUniform(shape, high, low) : tf.tensor(hostUniform(shape, low ^ high), shape);
    return tf.mul(tf.cast(tf.greaterEqual(uniform, rate), "float32"), 1 / (1 - rate));
  });
}

/** x with entries dropped and the rest scaled up. Kept for the gradient: the mask. */
export function dropout<T extends tf.Tensor>(x: T, rate: number, rng: Rng): T {
  return fusedOp<T>(
    [x],
    (save) => {
      const mask = dropoutMask(x.shape, rate, rng);
      save([mask]);
      return tf.mul(x, mask);
    },
    (dy, [mask]) => [() => tf.mul(dy, mask!)],
  );
}

function nativeUniform(shape: number[], high: number, low: number): tf.Tensor {
  const types = { dtype: "float32", T: "int32", Tseed: "int32" } as const;
  return rawOp("StatelessRandomUniform", [tf.tensor1d(shape, "int32"), tf.tensor1d([high, low], "int32")], { types })[0]!;
}

/** mulberry32: a 32-bit generator, since filling a mask from 64-bit words on the host would take longer than the step. */
function hostUniform(shape: number[], seed: number): Float32Array {
  const numbers = new Float32Array(shape.reduce((a, b) => a * b, 1));
  let state = seed | 0;
  for (let i = 0; i < numbers.length; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    numbers[i] = ((t ^ (t >>> 14)) >>> 8) / 2 ** 24;
  }
  return numbers;
}
