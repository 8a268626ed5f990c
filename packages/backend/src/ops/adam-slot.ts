import { tf } from "../tf.js";
import { MomentSlot, type AdamStep } from "./moment-slot.js";
import { hasKernels, isNative, rawOp } from "./raw-op.js";

/** One Adam update with its step's scalars. */
export interface AdamUpdate {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Updates taken, this one included. */
  step: number;
  /** Factor on the gradient, from clipping. */
  clip: number;
  /** Factor on the parameter before the update: 1 − lr · weight decay. */
  keep: number;
  /** The same as `adamScalars` gives it, where several parameters take this update. */
  scalars?: tf.Tensor1D | undefined;
}

/** A parameter's first and second moment. */
export interface Moments {
  m: Float32Array;
  v: Float32Array;
}

/** Adam's state of one parameter. */
export interface AdamSlot {
  /** p ← keep·p − lr · m̂ / (√v̂ + ε), with the moments of clip·g. */
  update(gradient: tf.Tensor, update: AdamUpdate): void;
  moment(name: keyof Moments): Float32Array;
  setMoments(moments: Moments): void;
  dispose(): void;
}

/** On the native backend one fused op an update, verlet's own where it is there and a second copy of the parameter does not matter; the composed form elsewhere. */
export function adamSlot(variable: tf.Variable): AdamSlot {
  if (hasKernels() && variable.size < LARGE) return kernelSlot(variable);
  return isNative() ? new FusedSlot(variable) : composedSlot(variable);
}

/** The definition, from plain ops. */
export const composedSlot = (variable: tf.Variable): AdamSlot => new MomentSlot(variable, composed);

/** By verlet's own op: one pass that reads the gradient as it is and writes the moments where they are. */
const kernelSlot = (variable: tf.Variable): AdamSlot => new MomentSlot(variable, kernel);

const composed: AdamStep = (parameter, gradient, before, update) => {
  const { beta1, beta2, clip, keep } = update;
  const g = clip === 1 ? gradient : tf.mul(gradient, clip);
  const m = tf.add(tf.mul(before.m, beta1), tf.mul(g, 1 - beta1));
  const v = tf.add(tf.mul(before.v, beta2), tf.mul(tf.square(g), 1 - beta2));
  const { rate, epsilon } = corrected(update);
  const change = tf.mul(tf.div(m, tf.add(tf.sqrt(v), epsilon)), rate);
  return { m, v, next: tf.sub(keep === 1 ? parameter : tf.mul(parameter, keep), change) };
};

const kernel: AdamStep = (parameter, gradient, { m, v }, update) => {
  return { m, v, next: rawOp("VerletAdam", [parameter, gradient, m, v, update.scalars ?? scalarsOf(update)])[0]! };
};

function scalarsOf(update: AdamUpdate): tf.Tensor1D {
  const { rate, epsilon } = corrected(update);
  return tf.tensor1d([rate, update.beta1, update.beta2, epsilon, update.clip, update.keep]);
}

/** An update's numbers as one tensor, where slots read them so. The caller's scope owns it. */
export const adamScalars = (update: AdamUpdate): tf.Tensor1D | undefined => (hasKernels() ? scalarsOf(update) : undefined);

/** The bias corrections moved into the scalars: m̂ / (√v̂ + ε) = √c₂ / c₁ · m / (√v + √c₂·ε). */
function corrected({ learningRate, beta1, beta2, epsilon, step }: AdamUpdate): { rate: number; epsilon: number } {
  const correction = Math.sqrt(1 - beta2 ** step);
  return { rate: (learningRate * correction) / (1 - beta1 ** step), epsilon: epsilon * correction };
}

let resources = 0;

/**
 * Parameter and moments in TensorFlow's own variables, so that `ResourceApplyAdam` updates them in place in one pass. It does
 * so only in memory that nothing else holds: for the time of an update the tfjs variable lets go of the numbers.
 */
class FusedSlot implements AdamSlot {
  readonly #variable: tf.Variable;
  readonly #parameter: tf.Tensor;
  readonly #m: tf.Tensor;
  readonly #v: tf.Tensor;
  /** The numbers that the tfjs variable and `#parameter` share. */
  #shared: object | undefined;

  constructor(variable: tf.Variable) {
    this.#variable = variable;
    [this.#parameter, this.#m, this.#v] = [0, 1, 2].map(() => resource(variable.shape)) as [tf.Tensor, tf.Tensor, tf.Tensor];
    // All that stays takes its place now: among the first step's gradients it would leave gaps that nothing fits into.
    tf.tidy(() => this.#own());
    for (const moment of [this.#m, this.#v]) tf.tidy(() => assign(moment, tf.zerosLike(variable)));
  }

  update(gradient: tf.Tensor, { learningRate, beta1, beta2, epsilon, step, clip, keep }: AdamUpdate): void {
    const variable = this.#variable;
    tf.tidy(() => {
      if (this.#shared !== variable.dataId) this.#own();
      variable.assign({ shape: variable.shape, dtype: variable.dtype, dataId: tf.scalar(0).dataId } as tf.Tensor); // nothing there, of the same shape
      try {
        if (keep !== 1) tf.tidy(() => assign(this.#parameter, tf.mul(read(this.#parameter), keep)));
        const power2 = beta2 ** step;
        // TensorFlow adds ε to the uncorrected √v, so ε takes v's bias correction here.
        const scalars = [beta1 ** step, power2, learningRate, beta1, beta2, epsilon * Math.sqrt(1 - power2)].map((x) => tf.scalar(x));
        rawOp("ResourceApplyAdam", [this.#parameter, this.#m, this.#v, ...scalars, clip === 1 ? gradient : scaled(gradient, clip)], {
          types: { T: "float32" },
          bools: { use_locking: false, use_nesterov: false },
          outputs: 0,
        });
      } finally {
        this.#show();
      }
    });
  }

  /** Copies the tfjs variable's numbers: those set by others may be theirs too, or lie in a JavaScript array. */
  #own(): void {
    tf.tidy(() => assign(this.#parameter, rawOp("DeepCopy", [this.#variable], { types: { T: "float32" } })[0]!));
    this.#show();
  }

  #show(): void {
    this.#variable.assign(read(this.#parameter));
    this.#shared = this.#variable.dataId;
  }

  moment(name: keyof Moments): Float32Array {
    return tf.tidy(() => read(name === "m" ? this.#m : this.#v).dataSync<"float32">());
  }

  setMoments({ m, v }: Moments): void {
    const { shape } = this.#variable;
    tf.tidy(() => {
      assign(this.#m, tf.tensor(m.slice(), shape)); // copies: TensorFlow writes into what it is given
      assign(this.#v, tf.tensor(v.slice(), shape));
    });
  }

  dispose(): void {
    for (const handle of [this.#parameter, this.#m, this.#v]) {
      rawOp("DestroyResourceOp", [handle], { bools: { ignore_lookup_error: true }, outputs: 0 });
      handle.dispose();
    }
  }
}

/** Numbers from which a copy of a gradient is too large to have beside all else: 64 MiB. */
const LARGE = 16 * 2 ** 20;

/** gradient · factor; a large one, where no other tensor is on its memory, is scaled there, some rows at a time. */
function scaled(gradient: tf.Tensor, factor: number): tf.Tensor {
  const [rows = 1] = gradient.shape;
  if (gradient.size < LARGE || tf.backend().refCount(gradient.dataId) > 1) return tf.mul(gradient, factor);
  const most = Math.max(1, Math.floor((LARGE * rows) / 4 / gradient.size));
  for (let start = 0; start < rows; start += most) {
    tf.tidy(() => {
      const end = Math.min(rows, start + most);
      const part = tf.mul(tf.slice(gradient, [start], [end - start]), factor);
      rawOp("InplaceUpdate", [gradient, tf.range(start, end, 1, "int32"), part], { types: { T: "float32" } });
    });
  }
  return gradient;
}

/** A handle of a new TensorFlow variable. tfjs shows its type as string, the one of its types that handles may have. */
function resource(shape: number[]): tf.Tensor {
  const strings = { container: "", shared_name: `verlet.adam.${resources++}` };
  return tf.keep(rawOp("VarHandleOp", [], { types: { dtype: "float32" }, shapes: { shape }, strings })[0]!);
}

function assign(handle: tf.Tensor, value: tf.Tensor): void {
  rawOp("AssignVariableOp", [handle, value], { types: { dtype: "float32" }, outputs: 0 });
}

const read = (handle: tf.Tensor): tf.Tensor => rawOp("ReadVariableOp", [handle], { types: { dtype: "float32" } })[0]!;
