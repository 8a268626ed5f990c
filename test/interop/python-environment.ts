/** The Python of the interop suite: torch, transformers and PEFT at the versions of requirements.txt. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { NO_PYTHON, pythonEnvironment as environment } from "../../scripts/python-environment.mjs";

const run = promisify(execFile);
const HERE = fileURLToPath(new URL(".", import.meta.url));

export type PythonEnvironment = { python: string; missing?: undefined } | { python?: undefined; missing: string };

/**
 * The interpreter to run the scripts with, or why there is none.
 * @throws Error in CI, where a missing Python is a failure, and when an installation that was begun fails.
 */
export async function pythonEnvironment(): Promise<PythonEnvironment> {
  const python = await environment("interop", join(HERE, "requirements.txt"));
  if (python !== undefined) return { python };
  if (process.env.CI) throw new Error(`interop: ${NO_PYTHON}`);
  return { missing: NO_PYTHON };
}

/** Runs a script of this folder with one JSON argument and gives back the JSON it prints last. */
export async function runPython<T>(python: string, script: string, argument: object): Promise<T> {
  const { stdout } = await run(python, [join(HERE, script), JSON.stringify(argument)], {
    maxBuffer: 1 << 28,
    env: { ...process.env, HF_HUB_OFFLINE: "1", TRANSFORMERS_VERBOSITY: "error", OMP_NUM_THREADS: "1" },
  });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as T;
}
