import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";

/**
 * silu(gate)·up (Shazeer 2020). With s = σ(gate): d gate = dy·up·s·(1 + gate·(1 − s)), d up = dy·gate·s.
 * @param gate [..., I]
 * @param up [..., I]
 * @returns [..., I]
 */
export function swiglu<T extends tf.Tensor>(gate: T, up: T): T {
  return fusedOp<T>(
    [gate, up],
    (save) => {
      const silu = tf.mul(gate, tf.sigmoid(gate));
      save([gate, up]);
      return tf.mul(silu, up);
    },
    (dy, saved) => {
      const [g, u] = saved as [T, T];
      return [
        () => {
          const s = tf.sigmoid(g);
          return tf.mul(tf.mul(dy, u), tf.mul(s, tf.add(1, tf.mul(g, tf.sub(1, s)))));
        },
        () => tf.mul(dy, tf.mul(g, tf.sigmoid(g))),
      ];
    },
  );
}
