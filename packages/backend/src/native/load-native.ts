/**
 * Loads the addon from the cache and registers the backend `tensorflow`, as `dist/index.js` of tfjs-node does, but
 * without its installer and with this process's one copy of TensorFlow.js.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { tf } from "../tf.js";
import { keepRecordsOnIds } from "./data-records.js";
import { addonPath, libraryPath, quietLoaderPath } from "./native-cache.js";
import type { NativeKind } from "./releases.js";

/** The global under which the shim in the cache finds this process's TensorFlow.js. */
export const TFJS_KEY = "verlet.tfjs";

/** The part of the addon used outside tfjs-node's own kernels. */
export interface NativeBinding {
  readonly TF_Version: string;
  isUsingGpuDevice(): boolean;
}

interface QuietLoader {
  /** Loads a library with standard error turned away. */
  load(path: string): boolean;
}

interface KernelBackendModule {
  NodeJSKernelBackend: new (binding: NativeBinding, packageName: string) => tf.KernelBackend;
}

/**
 * Registers the backend; `tf.setBackend("tensorflow")` makes it the one in use.
 * @param options.oneAtATime no two ops of a graph side by side, on a processor: each of verlet's products takes all of its cores
 * @throws the loader's own error where the addon or libtensorflow cannot be loaded
 */
export function loadNative(folder: string, kind: NativeKind, { oneAtATime = false } = {}): NativeBinding {
  // libtensorflow reads these when it is loaded.
  const wantsNotes = process.env["TF_CPP_MIN_LOG_LEVEL"] !== undefined;
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2"; // notes about CPU features and missing GPUs are no news to a trainer
  process.env["TF_ENABLE_ONEDNN_OPTS"] ??= "1"; // off by default on CPUs before AVX-512 VNNI, where it pays all the same
  if (oneAtATime && kind === "cpu" && hasOwnProducts()) process.env["TF_NUM_INTEROP_THREADS"] ??= "1";
  const require = createRequire(import.meta.url);
  const fromCache = createRequire(join(folder, "package.json"));
  if (!wantsNotes) (fromCache(quietLoaderPath(folder)) as QuietLoader).load(libraryPath(folder));
  const binding = fromCache(addonPath(folder)) as NativeBinding;
  // The CommonJS exports object, not the ES namespace: the same module instance, in the shape the kernels expect.
  (globalThis as Record<symbol, unknown>)[Symbol.for(TFJS_KEY)] = require("@tensorflow/tfjs");
  fromCache("./tfjs-node/dist/register_all_kernels.js");
  const { NodeJSKernelBackend } = fromCache("./tfjs-node/dist/nodejs_kernel_backend.js") as KernelBackendModule;
  const packageName = kind === "gpu" ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node";
  tf.registerBackend("tensorflow", () => {
    const backend = new NodeJSKernelBackend(binding, packageName);
    keepRecordsOnIds(backend);
    return backend;
  }, 3);
  return binding;
}

/** Whether verlet's products will be in use, by what Linux says of the processor; the addon that knows is not loaded yet. */
function hasOwnProducts(): boolean {
  try {
    const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" "));
    return flags.has("avx512bw") && !flags.has("amx_bf16");
  } catch {
    return false;
  }
}
