import { tf } from "../tf.js";
import { medianTime } from "./median-time.js";

const SIZES = [64, 128, 256, 512, 1024] as const;
const REPETITIONS = 5;

/** The size grows until the next one, eight times the work, would take longer than this for all repetitions. */
const BUDGET_MS = 1000;

/** Median of a few products at the largest size that the backend does in about a second, 1024 at most. */
export async function measureMatmul(): Promise<{ size: number; gflops: number }> {
  let best = { size: 0, gflops: 0 };
  for (const size of SIZES) {
    const milliseconds = await timeMatmul(size);
    best = { size, gflops: (2 * size ** 3) / milliseconds / 1e6 };
    if (8 * REPETITIONS * milliseconds > BUDGET_MS) break;
  }
  return best;
}

async function timeMatmul(size: number): Promise<number> {
  const [a, b] = tf.tidy(() => [tf.randomUniform([size, size]), tf.randomUniform([size, size])] as [tf.Tensor2D, tf.Tensor2D]);
  const milliseconds = await medianTime(REPETITIONS, BUDGET_MS, async () => {
    const product = tf.matMul(a, b);
    await product.data();
    product.dispose();
  });
  tf.dispose([a, b]);
  return milliseconds;
}
