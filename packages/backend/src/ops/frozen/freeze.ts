import { ConfigError } from "@verlet/core";
import { tf } from "../../tf.js";
import { isNative } from "../raw-op.js";
import { Bfloat16Weight } from "./bfloat16-weight.js";
import type { FrozenWeight } from "./frozen-weight.js";
import { Int8Weight } from "./int8-weight.js";
import { BLOCK, Nf4Weight } from "./nf4-weight.js";

export type FrozenFormat = "bfloat16" | "int8" | "int4";

/** Throws ConfigError where the backend in use has no such formats. */
export function checkFrozenFormat(format: FrozenFormat, where: string): void {
  if (isNative()) return;
  throw new ConfigError({
    where,
    what: "this backend keeps weights as float32 alone",
    got: `${format} on ${tf.getBackend()}`,
    expected: "float32, or the native backend",
    fix: "Run `npx verlet setup` and choose `backend: native`, or leave the key out",
  });
}

/** Whether a matrix fits into whole float32 elements row by row, and into whole blocks. */
export const canFreeze = ([, width]: readonly number[], format: FrozenFormat): boolean => width! % { bfloat16: 2, int8: 4, int4: BLOCK }[format] === 0;

/** Packs a matrix [out, in]. The result is its caller's. */
export function freeze(weight: tf.Tensor2D, format: FrozenFormat): FrozenWeight {
  const packed = { bfloat16: Bfloat16Weight, int8: Int8Weight, int4: Nf4Weight }[format];
  return packed.of(weight);
}
