/**
 * Where a native TensorFlow lies once `verlet setup` has made it, outside every project so that all share it:
 *   <cache>/native/2.21.0-cpu/
 *     tensorflow/                 libtensorflow_cc.so.2, libtensorflow_framework.so.2
 *     nvidia/                     CUDA libraries (gpu only)
 *     tfjs-node/                  the npm package, unpacked
 *     node_modules/               what its files `require`: a shim for TensorFlow.js, google-protobuf
 *     tfjs_binding.node           the addon, compiled here
 *     quiet_load.node             loads libtensorflow without its notes, compiled here
 *     manifest.json               written last
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { NATIVE_PLATFORM, TENSORFLOW_VERSION, type NativeKind } from "./releases.js";

/** Raised when the layout above changes, so that folders of an older verlet count as absent. */
export const LAYOUT = 6;

export interface Manifest {
  readonly layout: number;
  readonly tensorflow: string;
  readonly kind: NativeKind;
}

/** The folder for everything verlet downloads: `VERLET_CACHE`, or `~/.cache/verlet`. */
export function cacheFolder(): string {
  const chosen = process.env["VERLET_CACHE"];
  return chosen ? resolve(chosen) : join(homedir(), ".cache", "verlet");
}

export const nativeFolder = (kind: NativeKind, cache = cacheFolder()): string => join(cache, "native", `${TENSORFLOW_VERSION}-${kind}`);

export const addonPath = (folder: string): string => join(folder, "tfjs_binding.node");

export const quietLoaderPath = (folder: string): string => join(folder, "quiet_load.node");

export const libraryPath = (folder: string): string => join(folder, "tensorflow", "libtensorflow_cc.so.2");

/** Whether a finished set-up of this version lies in `folder`. */
export function isComplete(folder: string, kind: NativeKind): boolean {
  const path = join(folder, "manifest.json");
  if (!existsSync(path) || !existsSync(addonPath(folder))) return false;
  try {
    const found = JSON.parse(readFileSync(path, "utf8")) as Partial<Manifest>;
    return found.layout === LAYOUT && found.tensorflow === TENSORFLOW_VERSION && found.kind === kind;
  } catch {
    return false;
  }
}

/** True where the pinned wheels run at all. */
export const isNativePlatform = (): boolean => `${process.platform}-${process.arch}` === NATIVE_PLATFORM;

/** True where an NVIDIA driver is loaded (Windows' subsystem for Linux shows it by nvidia-smi alone). */
export function hasNvidiaDriver(): boolean {
  if (existsSync("/proc/driver/nvidia/version")) return true;
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, "nvidia-smi")));
}
