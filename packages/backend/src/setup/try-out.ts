/** Whether what was just set up runs here, found out in a process of its own: a bad build may crash. */
import { fileURLToPath } from "node:url";
import { BackendError } from "@verlet/core";
import type { NativeKind } from "../native/releases.js";
import { lastWords, type CommandResult, type RunCommand } from "./command.js";

const runProgram = (run: RunCommand, name: string, ...args: string[]): Promise<CommandResult> =>
  run(process.execPath, [fileURLToPath(new URL(`./${name}.js`, import.meta.url)), ...args]);

/** A program's JSON is the last thing it prints; libraries print before it. */
const reported = <T>({ stdout }: CommandResult): T => JSON.parse(/\{.*\}\s*$/.exec(stdout)?.[0] ?? "{}") as T;

/** A native TensorFlow multiplies once. */
export async function tryOut(run: RunCommand, folder: string, kind: NativeKind): Promise<{ tensorflow: string; gpu: boolean }> {
  const result = await runProgram(run, "try-native", folder, kind);
  if (result.code === 0) return reported(result);
  throw new BackendError({
    where: "verlet setup",
    what: "the native backend was built but does not run here",
    got: lastWords(result),
    expected: "a 2×2 matrix product",
    fix: "Nothing was installed. A C library older than glibc 2.27 or a processor without AVX is the usual reason; train on wasm instead",
  });
}

export interface TriedAdapter {
  readonly name: string;
  /** True where the processor computes. */
  readonly software: boolean;
}

/** Dawn's addon loads, and finds this adapter. */
export async function triedAdapter(run: RunCommand, folder: string): Promise<TriedAdapter | undefined> {
  const result = await runProgram(run, "try-webgpu", folder);
  if (result.code === 0) return reported<{ adapter?: TriedAdapter }>(result).adapter;
  throw new BackendError({
    where: "verlet setup --webgpu",
    what: "the addon of the npm package webgpu does not load here",
    got: lastWords(result),
    fix: "A C library older than the addon asks for is the usual reason; train on wasm instead",
  });
}
