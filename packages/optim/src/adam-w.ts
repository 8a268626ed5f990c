import { tf } from "@verlet/backend";
import { CheckpointError, type Metrics, type Optimizer, type Parameter } from "@verlet/core";
import { clipFactor, globalNorm } from "./clip.js";
import { scheduleFactor, type ScheduleOptions } from "./schedules.js";

export interface AdamWOptions {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Global-norm clipping; 0 = off. */
  maxGradNorm: number;
  schedule: ScheduleOptions;
  /** Which parameters weight decay applies to. */
  isDecayed: (name: string) => boolean;
}

/** Numbers in one flat moment tensor at most, so that an update's temporaries stay small. */
const BUCKET_NUMBERS = 4 * 2 ** 20;

/** Parameters whose moments lie in one flat tensor, so that an update is a few large ops. */
interface Bucket {
  indices: number[];
  sizes: number[];
  decayed: boolean;
  /** First and second moment, [Σ sizes]. */
  m: tf.Tensor1D;
  v: tf.Tensor1D;
}

type OptimizerState = ReturnType<Optimizer["state"]>;

/**
 * AdamW (Loshchilov and Hutter 2019) in torch's form, with global-norm clipping and a schedule:
 * p ← p·(1 − lr·λ); m, v ← moments of g; p ← p − lr · m̂ / (√v̂ + ε).
 */
export class AdamW implements Optimizer {
  readonly #parameters: readonly Parameter[];
  readonly #options: AdamWOptions;
  readonly #buckets: Bucket[];
  #step = 0;

  constructor(parameters: readonly Parameter[], options: AdamWOptions) {
    this.#parameters = parameters;
    this.#options = options;
    this.#buckets = makeBuckets(parameters, options);
  }

  step(gradients: readonly tf.Tensor[]): Metrics {
    const { learningRate, maxGradNorm, schedule } = this.#options;
    const norm = globalNorm(gradients);
    const rate = learningRate * scheduleFactor(this.#step, schedule);
    this.#step += 1;
    if (Number.isFinite(norm)) for (const bucket of this.#buckets) this.#update(bucket, gradients, clipFactor(norm, maxGradNorm), rate);
    return { grad_norm: norm, learning_rate: rate };
  }

  #update(bucket: Bucket, gradients: readonly tf.Tensor[], clip: number, rate: number): void {
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    const { m, v, updates } = tf.tidy(() => {
      const flat = tf.concat(bucket.indices.map((i) => tf.reshape(gradients[i]!, [-1]))) as tf.Tensor1D; // [Σ sizes]
      const g = clip < 1 ? tf.mul<tf.Tensor1D>(flat, clip) : flat;
      const m = tf.add<tf.Tensor1D>(tf.mul(bucket.m, beta1), tf.mul(g, 1 - beta1));
      const v = tf.add<tf.Tensor1D>(tf.mul(bucket.v, beta2), tf.mul(tf.square(g), 1 - beta2));
      const correction2 = Math.sqrt(1 - beta2 ** this.#step);
      // lr·m̂ / (√v̂ + ε) with the bias corrections moved into the scalars
      const scale = (rate * correction2) / (1 - beta1 ** this.#step);
      const change = tf.mul<tf.Tensor1D>(tf.div(m, tf.add(tf.sqrt(v), epsilon * correction2)), scale);
      return { m, v, updates: tf.split(change, bucket.sizes) };
    });
    tf.dispose([bucket.m, bucket.v]);
    bucket.m = m;
    bucket.v = v;
    const keep = 1 - rate * (bucket.decayed ? weightDecay : 0);
    bucket.indices.forEach((index, k) => {
      const { variable } = this.#parameters[index]!;
      const next = tf.tidy(() => tf.sub(keep === 1 ? variable : tf.mul(variable, keep), tf.reshape(updates[k]!, variable.shape)));
      variable.assign(next);
      tf.dispose([next, updates[k]!]);
    });
  }

  state(): OptimizerState {
    const tensors: OptimizerState["tensors"] = {};
    for (const bucket of this.#buckets) {
      for (const moment of ["m", "v"] as const) {
        const flat = bucket[moment].dataSync() as Float32Array;
        let offset = 0;
        bucket.indices.forEach((index, k) => {
          const { name, variable } = this.#parameters[index]!;
          const size = bucket.sizes[k]!;
          tensors[`${moment}.${name}`] = { shape: [...variable.shape], data: flat.slice(offset, offset + size) };
          offset += size;
        });
      }
    }
    return { step: this.#step, tensors };
  }

  /** Throws CheckpointError when the state is of other parameters. */
  restore({ step, tensors }: OptimizerState): void {
    const saved = this.#buckets.map((bucket) => ({ m: this.#flatMoment("m", bucket, tensors), v: this.#flatMoment("v", bucket, tensors) }));
    this.#buckets.forEach((bucket, i) => {
      tf.dispose([bucket.m, bucket.v]);
      bucket.m = tf.tensor1d(saved[i]!.m);
      bucket.v = tf.tensor1d(saved[i]!.v);
    });
    this.#step = step;
  }

  #flatMoment(moment: "m" | "v", { indices, sizes }: Bucket, tensors: OptimizerState["tensors"]): Float32Array {
    const flat = new Float32Array(sizes.reduce((a, b) => a + b, 0));
    let offset = 0;
    indices.forEach((index, k) => {
      const name = `${moment}.${this.#parameters[index]!.name}`;
      const data = tensors[name]?.data;
      if (data?.length !== sizes[k]) {
        throw new CheckpointError({ where: `optimizer state ${name}`, what: "does not fit the model", got: data ? `${data.length} numbers` : "nothing", expected: `${sizes[k]}` });
      }
      flat.set(data!, offset);
      offset += sizes[k]!;
    });
    return flat;
  }

  dispose(): void {
    for (const { m, v } of this.#buckets) tf.dispose([m, v]);
  }
}

function makeBuckets(parameters: readonly Parameter[], { weightDecay, isDecayed }: AdamWOptions): Bucket[] {
  const drafts: { indices: number[]; sizes: number[]; decayed: boolean; total: number }[] = [];
  const open = new Map<boolean, (typeof drafts)[number]>();
  parameters.forEach(({ name, variable }, index) => {
    const decayed = weightDecay > 0 && isDecayed(name);
    let draft = open.get(decayed);
    if (!draft || draft.total + variable.size > BUCKET_NUMBERS) {
      draft = { indices: [], sizes: [], decayed, total: 0 };
      drafts.push(draft);
      open.set(decayed, draft);
    }
    draft.indices.push(index);
    draft.sizes.push(variable.size);
    draft.total += variable.size;
  });
  return drafts.map(({ indices, sizes, decayed, total }) => ({ indices, sizes, decayed, m: tf.zeros([total]), v: tf.zeros([total]) }));
}
