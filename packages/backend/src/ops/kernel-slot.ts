import { tf } from "../tf.js";
import type { AdamSlot, AdamUpdate, Moments } from "./adam-slot.js";
import { rawOp } from "./raw-op.js";

/** By verlet's own op: one pass that reads the gradient as it is and writes the moments where they are. */
export class KernelSlot implements AdamSlot {
  readonly #variable: tf.Variable;
  #m: tf.Tensor;
  #v: tf.Tensor;

  constructor(variable: tf.Variable) {
    this.#variable = variable;
    // Computed now, each in memory of its own: among the first step's gradients they would leave gaps that nothing fits into.
    this.#m = tf.keep(tf.zerosLike(variable));
    this.#v = tf.keep(tf.zerosLike(variable));
  }

  update(gradient: tf.Tensor, { learningRate, beta1, beta2, epsilon, step, clip, keep }: AdamUpdate): void {
    const correction = Math.sqrt(1 - beta2 ** step);
    const scalars = [(learningRate * correction) / (1 - beta1 ** step), beta1, beta2, epsilon * correction, clip, keep];
    tf.tidy(() => this.#variable.assign(rawOp("VerletAdam", [this.#variable, gradient, this.#m, this.#v, tf.tensor1d(scalars)])[0]!));
  }

  moment(name: keyof Moments): Float32Array {
    return (name === "m" ? this.#m : this.#v).dataSync<"float32">().slice(); // not the memory that the next update writes to
  }

  setMoments({ m, v }: Moments): void {
    tf.dispose([this.#m, this.#v]);
    this.#m = tf.keep(tf.tensor(m.slice(), this.#variable.shape));
    this.#v = tf.keep(tf.tensor(v.slice(), this.#variable.shape));
  }

  dispose(): void {
    tf.dispose([this.#m, this.#v]);
  }
}
