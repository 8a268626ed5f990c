/** A stand-in for @wandb/sdk that behaves like 0.5.1 where that matters: its handlers, and errors that are thrown where nobody catches them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WandbInit, WandbRun, WandbSdk } from "@verlet/plugins/logger-wandb";

export interface FakeWandb {
  sdk: WandbSdk;
  init?: WandbInit;
  rows: { step: number; row: Record<string, unknown> }[];
  /** Exit codes of finish(). */
  finished: number[];
  /** Whether its channels were closed at the process's end. */
  closed: boolean;
}

/** @param opening what becomes of init(): a run, an error of it, one thrown elsewhere, or nothing. */
export function fakeWandb(opening: "run" | "rejects" | "throws elsewhere" | "hangs" = "run"): FakeWandb {
  const fake: FakeWandb = { sdk: { init }, rows: [], finished: [], closed: false };
  const run: WandbRun = {
    log: (row, step) => {
      fake.rows.push({ step, row: { ...row } });
      row._step = step;
    },
    finish: async (code) => {
      await Promise.resolve();
      fake.finished.push(code);
    },
    url: () => "https://wandb.test/me/p/runs/1",
  };
  async function init(options: WandbInit): Promise<WandbRun> {
    await Promise.resolve();
    fake.init = options;
    process.once("beforeExit", () => void (fake.closed = true));
    for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit());
    if (opening === "rejects") throw new Error("No API key found");
    if (opening === "throws elsewhere") {
      for (const message of ["Failed to upsert run", "Cannot read properties of null"]) setImmediate(() => process.emit("uncaughtException", new Error(message)));
    }
    return opening === "run" ? run : new Promise<never>(() => undefined);
  }
  return fake;
}

/** Installs it in a folder, as npm would, and gives it back. */
export function installWandb(folder: string): FakeWandb {
  const fake = fakeWandb();
  const key = `fake-wandb ${folder}`;
  (globalThis as Record<string, unknown>)[key] = fake.sdk;
  const home = join(folder, "node_modules/@wandb/sdk");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), '{ "name": "@wandb/sdk", "type": "module", "exports": { ".": { "require": "./index.cjs" } } }');
  writeFileSync(join(home, "index.cjs"), `exports.wandb = globalThis[${JSON.stringify(key)}];`);
  return fake;
}
