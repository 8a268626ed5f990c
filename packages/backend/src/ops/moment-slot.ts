import { tf } from "../tf.js";
import type { AdamSlot, AdamUpdate, Moments } from "./adam-slot.js";

interface MomentTensors {
  m: tf.Tensor;
  v: tf.Tensor;
}

/** The next parameter and moments; the moments may be those before, written where they are. */
export type AdamStep = (parameter: tf.Tensor, gradient: tf.Tensor, before: MomentTensors, update: AdamUpdate) => MomentTensors & { next: tf.Tensor };

/** A slot whose moments are tensors that nothing else shares memory with. */
export class MomentSlot implements AdamSlot {
  readonly #variable: tf.Variable;
  readonly #step: AdamStep;
  #moments: MomentTensors;

  constructor(variable: tf.Variable, step: AdamStep) {
    this.#variable = variable;
    this.#step = step;
    // Computed now: among the first step's gradients they would leave gaps that nothing fits into.
    this.#moments = { m: tf.keep(tf.zerosLike(variable)), v: tf.keep(tf.zerosLike(variable)) };
  }

  update(gradient: tf.Tensor, update: AdamUpdate): void {
    tf.tidy(() => {
      const { m, v, next } = this.#step(this.#variable, gradient, this.#moments, update);
      this.#replace({ m, v });
      this.#variable.assign(next);
    });
  }

  moment(name: keyof Moments): Float32Array {
    return this.#moments[name].dataSync<"float32">().slice(); // not the memory that the next update may write to
  }

  setMoments({ m, v }: Moments): void {
    const { shape } = this.#variable;
    this.#replace({ m: tf.tensor(m.slice(), shape), v: tf.tensor(v.slice(), shape) });
  }

  dispose(): void {
    tf.dispose([this.#moments.m, this.#moments.v]);
  }

  #replace(moments: MomentTensors): void {
    for (const name of ["m", "v"] as const) {
      if (moments[name] === this.#moments[name]) continue;
      this.#moments[name].dispose();
      this.#moments[name] = tf.keep(moments[name]);
    }
  }
}
