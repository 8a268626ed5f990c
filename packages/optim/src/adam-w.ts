import { adamScalars, adamSlot, tf, type AdamSlot, type AdamUpdate } from "@verlet/backend";
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

type OptimizerState = ReturnType<Optimizer["state"]>;

/**
 * AdamW (Loshchilov and Hutter 2019) in torch's form, with global-norm clipping and a schedule:
 * p ← p·(1 − lr·λ); m, v ← moments of g; p ← p − lr · m̂ / (√v̂ + ε).
 */
export class AdamW implements Optimizer {
  readonly #parameters: readonly Parameter[];
  readonly #slots: readonly AdamSlot[];
  readonly #options: AdamWOptions;
  /** Small parameters first: the copies that an update of a large one makes come when the other gradients are gone. */
  readonly #order: readonly number[];
  readonly #decayed: readonly boolean[];
  #step = 0;

  constructor(parameters: readonly Parameter[], options: AdamWOptions) {
    this.#parameters = parameters;
    this.#slots = parameters.map(({ variable }) => adamSlot(variable));
    this.#options = options;
    this.#decayed = parameters.map(({ name }) => options.isDecayed(name));
    this.#order = parameters.map((_, i) => i).sort((a, b) => parameters[a]!.variable.size - parameters[b]!.variable.size);
  }

  /** A step whose gradient is not finite changes no weight and no moment; the norm tells. */
  step(gradients: readonly tf.Tensor[]): Metrics {
    const { learningRate, maxGradNorm, schedule, weightDecay, beta1, beta2, epsilon } = this.#options;
    const norm = globalNorm(gradients);
    const rate = learningRate * scheduleFactor(this.#step, schedule);
    this.#step += 1;
    if (Number.isFinite(norm)) {
      tf.tidy(() => {
        const update = (keep: number): AdamUpdate => {
          const numbers = { learningRate: rate, beta1, beta2, epsilon, step: this.#step, clip: clipFactor(norm, maxGradNorm), keep };
          return { ...numbers, scalars: adamScalars(numbers) };
        };
        const [plain, decaying] = [update(1), update(1 - rate * weightDecay)];
        for (const i of this.#order) {
          this.#slots[i]!.update(gradients[i]!, this.#decayed[i] ? decaying : plain);
          gradients[i]!.dispose();
        }
      });
    }
    return { grad_norm: norm, learning_rate: rate };
  }

  state(): OptimizerState {
    const tensors: OptimizerState["tensors"] = {};
    this.#slots.forEach((slot, i) => {
      const { name, variable } = this.#parameters[i]!;
      for (const moment of ["m", "v"] as const) {
        tensors[`${moment}.${name}`] = {
          shape: [...variable.shape],
          get data() {
            return slot.moment(moment);
          },
        };
      }
    });
    return { step: this.#step, tensors };
  }

  /** Asks for the numbers of one parameter at a time. Throws CheckpointError when the state is of other parameters; nothing is changed then. */
  restore({ step, tensors }: OptimizerState): void {
    const read = this.#parameters.map(({ name, variable: { size } }) => ({ m: momentOf(tensors, `m.${name}`, size), v: momentOf(tensors, `v.${name}`, size) }));
    this.#slots.forEach((slot, i) => slot.setMoments({ m: read[i]!.m(), v: read[i]!.v() }));
    this.#step = step;
  }

  dispose(): void {
    for (const slot of this.#slots) slot.dispose();
  }
}

/** What reads a moment, once its shape is known to fit. */
function momentOf(tensors: OptimizerState["tensors"], name: string, size: number): () => Float32Array {
  const tensor = tensors[name];
  const found = tensor?.shape.reduce((product, length) => product * length, 1);
  if (tensor && found === size) return () => tensor.data;
  throw new CheckpointError({ where: `optimizer state ${name}`, what: "does not fit the model", got: tensor ? `${found} numbers` : "nothing", expected: `${size}` });
}
