/** Whether a native TensorFlow that was just built runs here, found out in a process of its own: a bad one may crash. */
import { fileURLToPath } from "node:url";
import { BackendError } from "@verlet/core";
import type { NativeKind } from "../native/releases.js";
import { lastWords, type RunCommand } from "./command.js";

export async function tryOut(run: RunCommand, folder: string, kind: NativeKind): Promise<{ tensorflow: string; gpu: boolean }> {
  const result = await run(process.execPath, [fileURLToPath(new URL("./try-native.js", import.meta.url)), folder, kind]);
  if (result.code === 0) return JSON.parse(result.stdout.slice(result.stdout.lastIndexOf("{"))) as { tensorflow: string; gpu: boolean };
  throw new BackendError({
    where: "verlet setup",
    what: "the native backend was built but does not run here",
    got: lastWords(result),
    expected: "a 2×2 matrix product",
    fix: "Nothing was installed. A C library older than glibc 2.27 or a processor without AVX is the usual reason; train on wasm instead",
  });
}
