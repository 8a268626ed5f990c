import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";
import { attributesOf, hasKernels, rawOp } from "./raw-op.js";

/**
 * silu(gate)·up (Shazeer 2020). With s = σ(gate) and silu = gate·s: d up = dy·silu, d gate = dy·up·(s + silu − silu·s).
 * @param gate [..., I]
 * @param up [..., I]
 * @returns [..., I]
 */
export function swiglu<T extends tf.Tensor>(gate: T, up: T): T {
  if (hasKernels()) return kernelSwiglu(gate, up);
  return fusedOp<T>(
    [gate, up],
    (save) => {
      const s = tf.sigmoid(gate);
      save([gate, up, s]);
      return tf.mul(tf.mul(gate, s), up);
    },
    (dy, saved) => {
      const [g, u, s] = saved as [T, T, T];
      const [dGate, dUp] = tf.tidy(() => {
        const silu = tf.mul(g, s);
        const slope = tf.sub(tf.add(s, silu), tf.mul(silu, s));
        return [tf.mul(tf.mul(dy, u), slope), tf.mul(dy, silu)];
      }) as [T, T];
      return [() => dGate, () => dUp];
    },
  );
}

const two = attributesOf({ outputs: 2 });

/** One pass over memory in each direction; σ(gate) is computed again for the gradient. */
function kernelSwiglu<T extends tf.Tensor>(gate: T, up: T): T {
  return fusedOp<T>(
    [gate, up],
    (save) => {
      save([gate, up]);
      return rawOp("VerletSwiglu", [gate, up])[0] as T;
    },
    (dy, [g, u]) => {
      const [dGate, dUp] = rawOp("VerletSwigluGrad", [dy, g!, u!], two);
      return [() => dGate!, () => dUp!];
    },
  );
}
