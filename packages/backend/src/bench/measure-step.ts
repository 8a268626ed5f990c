import { Rng } from "@verlet/core";
import { adamSlot, attention, gatherRows, gradientsOf, linear, rmsNorm, swiglu, tokenLogProbs } from "../ops/index.js";
import { tf } from "../tf.js";
import { medianTime } from "./median-time.js";

const [B, T, V, H, HEADS, D, MLP, LAYERS] = [4, 32, 512, 128, 4, 32, 256, 2] as const;
const REPETITIONS = 5;
const BUDGET_MS = 1000;

const adam = { learningRate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1, keep: 1 };

/** Median milliseconds of a forward pass, its gradients and an AdamW update of a small transformer made of verlet's ops. */
export async function measureStep(): Promise<number> {
  const rng = new Rng(0);
  const drawn = (...shape: [number, number]): tf.Variable => tf.tidy(() => tf.variable(tf.tensor(Float32Array.from({ length: shape[0] * shape[1] }, () => 0.02 * rng.normal()), shape)));
  const table = drawn(V, H);
  const layers = Array.from({ length: LAYERS }, () => [drawn(H, H), drawn(H, H), drawn(H, H), drawn(H, H), drawn(MLP, H), drawn(MLP, H), drawn(H, MLP)]);
  const weights = [table, ...layers.flat()];
  const slots = weights.map((weight) => adamSlot(weight));
  const ids = tf.tensor1d(Int32Array.from({ length: B * T }, () => rng.below(V)), "int32");
  const ones = tf.ones<tf.Rank.R1>([H]);

  const loss = (): tf.Scalar => {
    let x = gatherRows(table as tf.Tensor2D, ids); // [B·T, H]
    for (const [q, k, v, o, gate, up, down] of layers as unknown as tf.Tensor2D[][]) {
      const normed = rmsNorm(x, ones, 1e-6);
      const heads = (w: tf.Tensor2D): tf.Tensor4D => tf.reshape(linear(normed, w), [B, T, HEADS, D]);
      x = tf.add(x, linear(tf.reshape(attention(heads(q!), heads(k!), heads(v!)), [B * T, H]) as tf.Tensor2D, o!));
      const inner = rmsNorm(x, ones, 1e-6);
      x = tf.add(x, linear(swiglu(linear(inner, gate!), linear(inner, up!)), down!));
    }
    return tf.neg(tf.mean(tokenLogProbs(x, table as tf.Tensor2D, ids).logProbs));
  };

  let step = 0;
  const milliseconds = await medianTime(REPETITIONS, BUDGET_MS, async () => {
    const { value, gradients } = tf.tidy(() => gradientsOf(loss, weights));
    step++;
    slots.forEach((slot, i) => slot.update(gradients[i]!, { ...adam, step }));
    await weights.at(-1)!.data(); // waits for the device
    tf.dispose([value, ...gradients]);
  });
  slots.forEach((slot) => slot.dispose());
  tf.dispose([...weights, ids, ones]);
  return milliseconds;
}
