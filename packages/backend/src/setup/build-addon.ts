/** Compiling tfjs-node's addon, and what verlet adds to it, against the wheel's libtensorflow. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BackendError } from "@verlet/core";
import { addonPath, quietLoaderPath } from "../native/native-cache.js";
import { lastWords, type RunCommand } from "./command.js";

/** The headers the addon includes, as patterns over the wheel's files. */
export const HEADERS = [
  "tensorflow/include/tensorflow/c/*.h",
  "tensorflow/include/tensorflow/core/common_runtime/next_pluggable_device/c/*.h",
  "tensorflow/include/tensorflow/core/platform/ctstring*.h",
  "tensorflow/include/tsl/platform/ctstring*.h",
  "tensorflow/include/tsl/platform/platform.h",
  "tensorflow/include/xla/tsl/c/*.h",
];

/** verlet's own ops and what they stand on. */
const KERNELS = ["adam", "adapted", "adapted_linears", "attention", "choice", "decode_step", "logits", "loops", "low_rank", "pack", "parallel", "product", "product_loops", "product_parts", "rms_norm", "rotary", "softmax", "stages", "swiglu"];

/**
 * @param folder holds tfjs-node/ and tensorflow/; the addon is written beside them
 * @param include the folder `HEADERS` were unpacked into, the wheel's own paths kept
 */
export async function buildAddon(run: RunCommand, compiler: string, folder: string, include: string): Promise<void> {
  const { include_dir: nodeHeaders } = createRequire(import.meta.url)("node-api-headers") as { include_dir: string };
  const source = (name: string): string => fileURLToPath(new URL(`../../native/${name}`, import.meta.url));
  const compile = (...options: string[]): Promise<void> =>
    runCompiler(run, compiler, ["-O2", "-std=c++17", "-shared", "-fPIC", "-pthread", "-Wno-psabi", "-DNAPI_VERSION=8", `-I${nodeHeaders}`, ...options]);
  await compile(
    ...[join(include, "tensorflow", "include"), join(folder, "tfjs-node")].map((path) => `-I${path}`),
    source("verlet_binding.cc"), // includes the package's own sources
    ...KERNELS.map((name) => source(`kernels/${name}.cc`)),
    ...[`-L${join(folder, "tensorflow")}`, "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"],
    // Relative to the addon, because the folder is renamed after it has proved to work.
    "-Wl,-rpath,$ORIGIN/tensorflow",
    ...["-o", addonPath(folder)],
  );
  await compile(source("quiet_load.cc"), "-ldl", "-o", quietLoaderPath(folder));
}

/** @throws BackendError with the compiler's last words */
async function runCompiler(run: RunCommand, compiler: string, options: readonly string[]): Promise<void> {
  const result = await run(compiler, options);
  if (result.code === 0) return;
  throw new BackendError({
    where: "verlet setup",
    what: `${compiler} could not build the native addon`,
    got: lastWords(result, 6),
    expected: "a C++17 compiler (g++ 9 or newer, clang++ 9 or newer)",
    fix: "Install a newer compiler, or name one in the environment variable CXX, and run npx verlet setup again",
  });
}
