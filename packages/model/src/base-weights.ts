/** Weights as a model holds them: float32 variables, or frozen ones in fewer bits. */
import { Bfloat16Weight, canFreeze, checkFrozenFormat, freeze, frozenLinear, isNative, linear, tensorOfBytes, tf, type FrozenFormat, type FrozenTable, type FrozenWeight } from "@verlet/backend";
import { ConfigError, ModelError } from "@verlet/core";
import { decodeFloats, toWeightDtype, type SafetensorsDtype, type WeightDtype } from "./dtype.js";
import type { StoredParameter } from "./parameters.js";
import type { SafetensorsEntry } from "./safetensors.js";

/** Format of frozen base weights in memory. */
export type BaseDtype = "float32" | FrozenFormat;

/** A matrix [out, in]. */
export type Weight = tf.Tensor2D | FrozenWeight;

/** A matrix [V, H] whose rows are read on their own. */
export type Table = tf.Tensor2D | FrozenTable;

/** A frozen weight in fewer bits, with the format it is kept in on disk. */
export interface FrozenParameter {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly frozen: FrozenWeight;
}

/** A model's weights by their Hugging Face names. */
export type BaseMap = Map<string, StoredParameter | FrozenParameter>;

/** A weight as float32 numbers; those of a frozen one belong to the caller's scope. */
export const dense = (weight: Weight): tf.Tensor2D => (weight instanceof tf.Tensor ? weight : weight.dense());

/** x·Wᵀ + b, [N, in] → [N, out]. */
export const multiplied = (x: tf.Tensor2D, weight: Weight, bias?: tf.Tensor1D): tf.Tensor2D => (weight instanceof tf.Tensor ? linear(x, weight, bias) : frozenLinear(x, weight, bias));

/** The weight itself, for the forward pass. */
export const weightOf = (parameter: StoredParameter | FrozenParameter): tf.Tensor | FrozenWeight => ("frozen" in parameter ? parameter.frozen : parameter.variable);

/** Throws ConfigError where the format cannot be had. */
export function checkBaseDtype(baseDtype: BaseDtype, frozen: boolean): void {
  if (baseDtype === "float32") return;
  const where = "model.baseDtype";
  if (!frozen) {
    throw new ConfigError({ where, what: "all weights are trained, and trained weights stay float32", got: baseDtype, expected: "float32, or an adapter over frozen weights", fix: "Set model.lora, or leave the key out" });
  }
  checkFrozenFormat(baseDtype, where);
}

/** Number format of a floating-point tensor of a file. @throws ModelError for any other. */
export function floatFormat(dtype: SafetensorsDtype, where: string): WeightDtype {
  const format = toWeightDtype(dtype);
  if (format) return format;
  throw new ModelError({ where, what: "unsupported weight format", got: dtype, expected: "F32, F16 or BF16" });
}

/** A tensor of a file as float32; its bytes may be overwritten afterwards. The caller's scope owns the result. */
export function floatTensor({ data, dtype, shape }: SafetensorsEntry, where: string): tf.Tensor {
  const format = floatFormat(dtype, where);
  return isNative() ? tensorOfBytes(data, format, shape) : tf.tensor(decodeFloats(data.slice(), dtype), shape);
}

/**
 * The format that a frozen base weight is kept in. As in QLoRA, token embeddings and the head have 16 bits at least; norms,
 * biases and matrices that do not divide into whole elements stay float32.
 */
export function frozenFormat(name: string, shape: readonly number[], wanted: BaseDtype): BaseDtype {
  if (wanted === "float32" || shape.length !== 2) return "float32";
  const format = name === "model.embed_tokens.weight" || name === "lm_head.weight" ? "bfloat16" : wanted;
  return canFreeze(shape, format) ? format : "float32";
}

/** A matrix of a file in fewer bits. */
export function frozenTensor(entry: SafetensorsEntry, format: FrozenFormat, where: string): FrozenWeight {
  if (format === "bfloat16" && entry.dtype === "BF16") return Bfloat16Weight.ofBytes(entry.data, entry.shape);
  const full = floatTensor(entry, where) as tf.Tensor2D;
  const frozen = freeze(full, format);
  full.dispose();
  return frozen;
}
