/**
 * Where the npm package `webgpu` (Dawn, Chromium's WebGPU, as a Node addon) is looked for: the folder VERLET_WEBGPU names,
 * the user's project, then what `verlet setup --webgpu` put into the cache.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheFolder } from "../native/native-cache.js";
import type { PinnedFile } from "../native/releases.js";
import type { Gpu } from "./gpu-types.js";

export const WEBGPU_VERSION = "0.6.2";

/** What `verlet setup --webgpu` downloads. */
export const webgpuPackage: PinnedFile = {
  requirement: `webgpu@${WEBGPU_VERSION}`,
  sha256: "77a6be6513b9f7c2e94425620ce603efb38cdc5d0393e1b31a1b0c8479330ffd",
  bytes: 51_264_151,
};

export interface DawnPackage {
  create(options: string[]): Gpu;
  readonly globals: object;
}

export const webgpuFolder = (cache = cacheFolder()): string => join(cache, "webgpu", WEBGPU_VERSION);

/** The package's folder of this machine's addon, `linux-x64`, `darwin-universal` …; the package has those of five. */
export const addonFolder = (): string => `${process.platform}-${process.platform === "darwin" ? "universal" : process.arch}`;

export const addonFolders: readonly string[] = ["darwin-universal", "linux-arm64", "linux-x64", "win32-arm64", "win32-x64"];

/** @returns the path of the package's main file, or nothing where it is not installed */
export function findDawn(): string | undefined {
  const chosen = process.env["VERLET_WEBGPU"];
  if (chosen) return join(resolve(chosen), "index.js");
  try {
    return createRequire(join(process.cwd(), "package.json")).resolve("webgpu");
  } catch {
    const cached = join(webgpuFolder(), "index.js");
    return existsSync(cached) ? cached : undefined;
  }
}

export const loadDawn = (path: string): Promise<DawnPackage> => import(pathToFileURL(path).href) as Promise<DawnPackage>;
