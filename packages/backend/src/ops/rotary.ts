import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";
import { attributesOf, hasKernels, rawOp } from "./raw-op.js";

/** cos and sin of each position's angles, as `rotary` takes them. */
export interface RotaryTable {
  /** [1 or B, T, 1, D] */
  cos: tf.Tensor4D;
  /** [1 or B, T, 1, D], the first half negated: y = x·cos + swap(x)·signedSin. */
  signedSin: tf.Tensor4D;
}

/** Exchanges the two halves of the last axis. */
function swapHalves<T extends tf.Tensor>(x: T): T {
  const [first, second] = tf.split(x, 2, -1);
  return tf.concat([second!, first!], -1) as unknown as T;
}

/**
 * Rotary position embedding (Su et al. 2021) with Hugging Face's pairing (i, i + D/2).
 * The transpose of y = x·cos + swap(x)·s is dx = dy·cos + swap(dy·s).
 * @param x [B, T, heads, D]
 * @returns [B, T, heads, D]
 */
export function rotary(x: tf.Tensor4D, table: RotaryTable): tf.Tensor4D {
  const { turn, turnBack } = hasKernels() ? kernel : composed;
  return fusedOp(
    [x],
    (save) => {
      save([table.cos, table.signedSin]);
      return turn(x, table);
    },
    (dy, [cos, signedSin]) => [() => turnBack(dy, { cos, signedSin } as RotaryTable)],
  );
}

type Turn = (x: tf.Tensor4D, table: RotaryTable) => tf.Tensor4D;

const composed: Record<"turn" | "turnBack", Turn> = {
  turn: (x, { cos, signedSin }) => tf.add(tf.mul(x, cos), tf.mul(swapHalves(x), signedSin)),
  turnBack: (dy, { cos, signedSin }) => tf.add(tf.mul(dy, cos), swapHalves(tf.mul(dy, signedSin))),
};

const [forth, back] = [false, true].map((way) => attributesOf({ bools: { back: way } }));

const kernel: typeof composed = {
  turn: (x, { cos, signedSin }) => rawOp("VerletRotary", [x, cos, signedSin], forth)[0] as tf.Tensor4D,
  turnBack: (dy, { cos, signedSin }) => rawOp("VerletRotary", [dy, cos, signedSin], back)[0] as tf.Tensor4D,
};
