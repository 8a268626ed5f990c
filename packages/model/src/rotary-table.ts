import { tf, type RotaryTable } from "@verlet/backend";
import { sameList } from "@verlet/core";
import type { ModelConfig, RopeScaling } from "./config.js";

/** Inverse frequencies, [D / 2], after scaling. Llama 3's rule: transformers `_compute_llama3_parameters`. */
export function inverseFrequencies({ headDim, ropeTheta, ropeScaling }: Pick<ModelConfig, "headDim" | "ropeTheta" | "ropeScaling">): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => scaleFrequency(ropeTheta ** ((-2 * i) / headDim), ropeScaling));
}

function scaleFrequency(frequency: number, scaling: RopeScaling): number {
  if (scaling.type === "default") return frequency;
  if (scaling.type === "linear") return frequency / scaling.factor;
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalMaxPositions } = scaling;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength > originalMaxPositions / low) return frequency / factor;
  if (wavelength < originalMaxPositions / high) return frequency;
  const smooth = (originalMaxPositions / wavelength - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** Makes the cos and sin tensors for given positions. */
export class RotaryAngles {
  readonly #frequencies: Float64Array;
  /** Batches of one width, one after the other, have the same angles. */
  #last: AngleNumbers | undefined;

  constructor(config: Pick<ModelConfig, "headDim" | "ropeTheta" | "ropeScaling">) {
    this.#frequencies = inverseFrequencies(config);
  }

  /** @param positions [rows · width], row by row; the caller's scope owns the tensors. */
  table(positions: ArrayLike<number>, rows: number, width: number): RotaryTable {
    if (!this.#last || !sameList(this.#last.positions, positions)) this.#last = this.#numbers(positions);
    const { cos, signedSin } = this.#last;
    const shape: [number, number, number, number] = [rows, width, 1, this.#frequencies.length * 2];
    return { cos: tf.tensor4d(cos.slice(), shape), signedSin: tf.tensor4d(signedSin.slice(), shape) }; // [rows, width, 1, D]; copies, for a tensor's memory is TensorFlow's to write to
  }

  #numbers(positions: ArrayLike<number>): AngleNumbers {
    const half = this.#frequencies.length;
    const cos = new Float32Array(positions.length * half * 2);
    const signedSin = new Float32Array(cos.length);
    for (let at = 0; at < positions.length; at++) {
      for (let i = 0; i < half; i++) {
        const angle = Math.fround(positions[at]! * Math.fround(this.#frequencies[i]!)); // float32, as the reference computes it
        const first = at * half * 2 + i;
        cos[first] = cos[first + half] = Math.cos(angle);
        signedSin[first + half] = Math.sin(angle);
        signedSin[first] = -signedSin[first + half]!;
      }
    }
    return { positions: Int32Array.from(positions), cos, signedSin };
  }
}

/** One place after the other, [places · D] each. */
interface AngleNumbers {
  positions: Int32Array;
  cos: Float32Array;
  signedSin: Float32Array;
}
