import { cacheFolder, isComplete, nativeFolder } from "./native/native-cache.js";
import type { NativeKind } from "./native/releases.js";
import type { BackendName } from "./candidates/candidate.js";
import { selectBackend, type BackendInfo } from "./select-backend.js";
import { tf } from "./tf.js";

export interface DoctorReport {
  /** What is in use, and what was passed over and why. */
  readonly backend: BackendInfo;
  /** A float32 product of two size×size matrices, measured just now. */
  readonly matmul: { readonly size: number; readonly gflops: number };
  /** Version of Node.js. */
  readonly node: string;
  /** e.g. `linux-x64` */
  readonly platform: string;
  readonly cacheFolder: string;
  /** The native builds that are set up. */
  readonly native: readonly { readonly kind: NativeKind; readonly folder: string }[];
}

/**
 * Opens a backend and measures it.
 * @throws BackendError where the named backend cannot be used
 */
export async function doctor({ backend = "auto" }: { backend?: BackendName } = {}): Promise<DoctorReport> {
  const info = await selectBackend(backend);
  const kinds: NativeKind[] = ["cpu", "gpu"];
  return {
    backend: info,
    matmul: await measureMatmul(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cacheFolder: cacheFolder(),
    native: kinds.map((kind) => ({ kind, folder: nativeFolder(kind) })).filter(({ kind, folder }) => isComplete(folder, kind)),
  };
}

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
  const times: number[] = [];
  // One more than counted: the first run of a size sets things up.
  for (let i = 0; i <= REPETITIONS; i++) {
    const start = performance.now();
    const product = tf.matMul(a, b);
    await product.data();
    times.push(performance.now() - start);
    product.dispose();
  }
  tf.dispose([a, b]);
  return times.slice(1).sort((x, y) => x - y)[Math.floor(REPETITIONS / 2)]!;
}
