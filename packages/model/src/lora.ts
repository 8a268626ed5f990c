import { adaptedLinears, addLowRank, dropout as dropped, linear, tf } from "@verlet/backend";
import { ModelError, type Rng } from "@verlet/core";
import { dense, multiplied, type Weight } from "./base-weights.js";
import { moduleName, projectionNames, projectionShape, type ProjectionName } from "./weight-names.js";
import type { ModelConfig } from "./config.js";

/** Low-rank adaptation (Hu et al. 2021), with PEFT's options of the same meaning. */
export interface LoraConfig {
  r: number;
  alpha: number;
  dropout: number;
  targetModules: "all-linear" | readonly string[];
  /** Scale alpha / √r instead of alpha / r (Kalajdzievski 2023). */
  rslora: boolean;
  /** Learn each output row's length apart from its direction (Liu et al. 2024). */
  dora: boolean;
}

/** One adapted layer: y += scale · (x·Aᵀ)·Bᵀ. */
export interface LoraPair {
  /** [r, in] */
  a: tf.Variable<tf.Rank.R2>;
  /** [out, r] */
  b: tf.Variable<tf.Rank.R2>;
  /** [out], DoRA only. */
  magnitude?: tf.Variable<tf.Rank.R1>;
  scale: number;
  dropout: number;
}

export const loraScale = ({ r, alpha, rslora }: LoraConfig): number => alpha / (rslora ? Math.sqrt(r) : r);

/** The projections that `targetModules` names. Throws ModelError on a name that no layer has. */
export function targetProjections(targets: LoraConfig["targetModules"]): ProjectionName[] {
  if (targets === "all-linear") return projectionNames;
  const unknown = targets.find((name) => !(projectionNames as string[]).includes(name));
  if (unknown !== undefined) {
    throw new ModelError({ where: "model.lora.targetModules", what: "no such layer", got: unknown, expected: `all-linear, or some of ${projectionNames.join(", ")}` });
  }
  return projectionNames.filter((name) => targets.includes(name));
}

/** PEFT's name of an adapter tensor's stem. */
export const adapterModule = (layer: number, name: ProjectionName): string => `base_model.model.${moduleName(layer, name)}`;

/** Shapes of all adapter tensors by PEFT name, layer by layer. */
export function adapterShapes(config: ModelConfig, lora: LoraConfig): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of targetProjections(lora.targetModules)) {
      const [out, input] = projectionShape(config, name);
      const stem = adapterModule(layer, name);
      shapes.set(`${stem}.lora_A.weight`, [lora.r, input]);
      shapes.set(`${stem}.lora_B.weight`, [out, lora.r]);
      if (lora.dora) shapes.set(`${stem}.lora_magnitude_vector`, [out]);
    }
  }
  return shapes;
}

/** PEFT's start: A uniform in ±1/√in (Kaiming with a = √5), B zero, so that the adapter changes nothing yet. */
export function initialAdapterTensor(name: string, shape: readonly number[], rng: Rng): Float32Array {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  if (!name.endsWith("lora_A.weight")) return data;
  const bound = 1 / Math.sqrt(shape[1]!);
  for (let i = 0; i < data.length; i++) data[i] = (2 * rng.uniform() - 1) * bound;
  return data;
}

/** W + scale·B·A, or for DoRA diag(m / ‖·‖) of it; the caller owns the result, [out, in]. */
export function mergedWeight(weight: Weight, { a, b, magnitude, scale }: LoraPair): tf.Tensor2D {
  return tf.tidy(() => {
    const adapted: tf.Tensor2D = tf.add(dense(weight), tf.mul(tf.matMul(b as tf.Tensor2D, a as tf.Tensor2D), scale));
    return magnitude ? tf.mul(adapted, tf.expandDims(tf.div(magnitude, rowNorms(adapted)), 1)) : adapted;
  });
}

/** L2 norm of each output row, [out]. */
export const rowNorms = (weight: tf.Tensor2D): tf.Tensor1D => tf.norm(weight, "euclidean", 1) as tf.Tensor1D;

/** A weight with its adapter. */
export interface AdaptedWeight {
  weight: Weight;
  adapter: LoraPair;
}

/** Whether an adapter only adds its product: it neither drops nor scales rows. */
const isPlain = ({ magnitude, dropout: rate }: LoraPair, dropout: Rng | undefined): boolean => !magnitude && !(dropout && rate > 0);

/**
 * x·Wᵀ with the adapter's part, of layers with the same input, without bias.
 * @param x [N, in]
 * @returns [N, out] of each
 */
export function adapt(x: tf.Tensor2D, layers: readonly AdaptedWeight[], dropout: Rng | undefined): tf.Tensor2D[] {
  if (!layers.every(({ adapter }) => isPlain(adapter, dropout))) return layers.map((layer) => adaptAlone(x, layer, dropout));
  return adaptedLinears(x, layers.map(({ weight, adapter: { a, b, scale } }) => ({ weight, a: a as tf.Tensor2D, b: b as tf.Tensor2D, scale })));
}

/** With dropout, DoRA or both. W + B·A is never materialised (but for DoRA's row norms, which carry no gradient). */
function adaptAlone(x: tf.Tensor2D, { weight, adapter: pair }: AdaptedWeight, dropout: Rng | undefined): tf.Tensor2D {
  const drops = dropout && pair.dropout > 0;
  const input = drops ? dropped(x, pair.dropout, dropout) : x;
  const low = linear(input, pair.a as tf.Tensor2D); // [N, r]
  const base = multiplied(x, weight); // [N, out]
  const withAdapter = (y: tf.Tensor2D): tf.Tensor2D => addLowRank(y, low, pair.b as tf.Tensor2D, pair.scale); // [N, out]
  if (!pair.magnitude) return withAdapter(base);
  const norms = detached(() => rowNorms(tf.add(dense(weight), tf.mul(tf.matMul(pair.b as tf.Tensor2D, pair.a as tf.Tensor2D), pair.scale))));
  const direction = tf.div(pair.magnitude, norms); // [out]
  // PEFT drops the base path's input too when dropout is on; the base product is then taken of the dropped input.
  const plain = drops ? multiplied(input, weight) : base;
  const change = tf.mul(withAdapter(plain), direction);
  return drops ? tf.add(base, tf.sub(change, plain)) : (change as tf.Tensor2D);
}

/** Runs `compute` off the tape. */
function detached<T extends tf.Tensor>(compute: () => T): T {
  const state = tf.engine().state;
  const depth = state.gradientDepth;
  state.gradientDepth = 0;
  try {
    return compute();
  } finally {
    state.gradientDepth = depth;
  }
}
