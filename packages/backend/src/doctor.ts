import { existsSync } from "node:fs";
import { measureBackends, type Measured } from "./bench/measure-backends.js";
import { measureMatmul } from "./bench/measure-matmul.js";
import type { BackendName } from "./candidates/candidate.js";
import { cacheFolder, isComplete, nativeFolder } from "./native/native-cache.js";
import type { NativeKind } from "./native/releases.js";
import { selectBackend, type BackendInfo } from "./select-backend.js";
import { webgpuFolder } from "./webgpu/dawn-package.js";

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
  /** Where `verlet setup --webgpu` put Dawn, once it has. */
  readonly webgpu?: string;
  /** Every backend in the order of `auto`, measured just now, or why it is not here. */
  readonly bench?: readonly Measured[];
}

export interface DoctorOptions {
  backend?: BackendName;
  /** Measure every backend. */
  bench?: boolean;
}

/**
 * Opens a backend and measures it.
 * @throws BackendError where the named backend cannot be used
 */
export async function doctor({ backend = "auto", bench = false }: DoctorOptions = {}): Promise<DoctorReport> {
  const measured = bench ? await measureBackends() : undefined;
  const info = await selectBackend(backend);
  const kinds: NativeKind[] = ["cpu", "gpu"];
  const webgpu = webgpuFolder();
  return {
    backend: info,
    matmul: await measureMatmul(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cacheFolder: cacheFolder(),
    native: kinds.map((kind) => ({ kind, folder: nativeFolder(kind) })).filter(({ kind, folder }) => isComplete(folder, kind)),
    ...(existsSync(webgpu) && { webgpu }),
    ...(measured && { bench: measured }),
  };
}
