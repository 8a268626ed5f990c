import { tf } from "../tf.js";
import { rawChain, type RawType } from "./raw-chain.js";

/** Formats of weights in files, under TensorFlow's names. */
export type StoredFloat = Extract<RawType, "float32" | "float16" | "bfloat16">;

const widths: Readonly<Record<StoredFloat, number>> = { float32: 4, float16: 2, bfloat16: 2 };

/**
 * Little-endian numbers of a file as a float32 tensor, converted by TensorFlow: native backend alone. The bytes may be
 * overwritten afterwards. The caller's scope owns the tensor.
 */
export function tensorOfBytes(bytes: Uint8Array, format: StoredFloat, shape: readonly number[]): tf.Tensor {
  return tf.tidy(() => {
    const flat = rawChain(({ bytes: view, bitcast, cast, copy }) => {
      const numbers = bitcast(view(bytes, [bytes.length / widths[format], widths[format]]), format);
      return format === "float32" ? copy(numbers) : cast(numbers, "float32");
    });
    return tf.reshape(flat, [...shape]);
  });
}
