import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError } from "@verlet/core";

/** What is used of @wandb/sdk 0.5. */
export interface WandbSdk {
  init(options: WandbInit): Promise<WandbRun>;
}

export interface WandbInit {
  project: string;
  entity?: string;
  name: string;
  config: unknown;
  /** `silent`: without it the SDK writes to standard output, which may be read by a program. */
  settings: { silent: true };
}

export interface WandbRun {
  /** Adds fields of its own to `row`. */
  log(row: Record<string, unknown>, step: number): void;
  finish(code: number): Promise<void>;
  url(): string;
}

const PACKAGE = "@wandb/sdk";
const instead = "take tensorboard, jsonl or csv in its place";

/**
 * The SDK's file, in the user's project or beside this package.
 * @throws ConfigError that says how to install it; and where WANDB_MODE asks for what it cannot do.
 */
export function findSdk(folder: string = process.cwd(), { WANDB_MODE: mode = "" }: NodeJS.ProcessEnv = process.env): string {
  if (!["", "online"].includes(mode)) {
    const expected = `online: ${PACKAGE} knows no other, and would lose the metrics`;
    throw new ConfigError({ where: "logger wandb", what: "WANDB_MODE", got: mode, expected, fix: `Unset it, or ${instead}` });
  }
  for (const from of [join(folder, "package.json"), import.meta.url]) {
    try {
      return createRequire(from).resolve(PACKAGE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new ConfigError({
    where: "logger wandb",
    what: `${PACKAGE} is not installed; verlet does not bring it along`,
    got: `nothing of that name in node_modules of ${folder} or above`,
    expected: "the SDK of Weights & Biases",
    fix: `Run npm install ${PACKAGE}, or ${instead}`,
  });
}

/** @param file as `findSdk` gives it. */
export async function importSdk(file: string): Promise<WandbSdk> {
  // Its CommonJS form, as `require` resolves it: the exports lie under `default`.
  const { default: exported } = (await import(pathToFileURL(file).href)) as { default: { wandb: WandbSdk } };
  return exported.wandb;
}
