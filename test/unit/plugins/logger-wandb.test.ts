import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { findSdk, WandbLogger } from "@verlet/plugins/logger-wandb";
import { ConfigError, createComponent } from "@verlet/core";
import type { ModelSource } from "@verlet/manager";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openRun } from "../../../plugins/dist/logger-wandb/open-run.js";
import { loggerContract } from "../../contracts/logger.js";
import { fakeWandb, installWandb, type FakeWandb } from "../../fakes/fake-wandb.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fakeConfig, trainFake } from "../manager/fake-run.js";

const here = process.cwd();
const exits = ["SIGINT", "SIGTERM", "beforeExit", "uncaughtException"] as const;
const handlers = (): unknown[] => exits.flatMap((event) => process.rawListeners(event));
const init = { project: "p", name: "n", config: {}, settings: { silent: true } } as const;

beforeEach(() => {
  for (const name of ["WANDB_MODE", "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_NAME"]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  process.chdir(here);
});

loggerContract("wandb", undefined, () => new WandbLogger({}, { load: async () => fakeWandb().sdk, notify: () => undefined }));

async function started(options = {}, outputDir = "./output/one"): Promise<{ fake: FakeWandb; logger: WandbLogger; shown: string[]; end: AbortController }> {
  const fake = fakeWandb();
  const shown: string[] = [];
  const end = new AbortController();
  const logger = new WandbLogger(options, { load: async () => fake.sdk, signal: end.signal, notify: (line) => void shown.push(line) });
  await logger.start({ outputDir });
  return { fake, logger, shown, end };
}

describe("a run of Weights & Biases", () => {
  test("one row a step, an evaluation in its step's row, numbers that JSON lacks as words; finish is awaited", async () => {
    const { fake, logger, shown } = await started();
    logger.step(3, { loss: 0.5 });
    logger.step(4, { loss: NaN, kl: Infinity });
    logger.evaluation(4, { "eval/loss": -Infinity });
    expect(fake.rows).toEqual([{ step: 3, row: { loss: 0.5 } }]); // the last row may still get an evaluation
    await logger.end();
    expect(fake.rows.slice(1)).toEqual([{ step: 4, row: { loss: "NaN", kl: "Infinity", "eval/loss": "-Infinity" } }]);
    expect(fake.finished).toEqual([0]);
    expect(shown).toEqual(["Weights & Biases: https://wandb.test/me/p/runs/1"]);
  });

  test("project, entity and name: the options, then the environment, then verlet and the folder", async () => {
    const named = async (options = {}): Promise<unknown[]> => {
      const { project, entity, name } = (await started(options)).fake.init!;
      return [project, entity, name];
    };
    expect(await named()).toEqual(["verlet", undefined, "one"]);
    vi.stubEnv("WANDB_PROJECT", "theirs");
    vi.stubEnv("WANDB_ENTITY", "team");
    vi.stubEnv("WANDB_NAME", "first");
    expect(await named()).toEqual(["theirs", "team", "first"]);
    expect(await named({ project: "mine", entity: "me", runName: "second" })).toEqual(["mine", "me", "second"]);
  });

  test("a run that fails is finished with an exit code when all is closed, and only once", async () => {
    const { fake, logger, end } = await started();
    logger.step(1, { loss: 1 });
    end.abort();
    await vi.waitFor(() => expect(fake.finished).toEqual([1]));
    expect(fake.rows).toHaveLength(1);
    const whole = await started();
    await whole.logger.end();
    whole.end.abort();
    await Promise.resolve();
    expect(whole.fake.finished).toEqual([0]);
  });
});

describe("opening a run", () => {
  test("takes the SDK's exit handlers away and keeps those that were there", async () => {
    const own = (): void => undefined;
    process.once("SIGINT", own);
    const before = handlers();
    await openRun(fakeWandb().sdk, init);
    expect(handlers()).toEqual(before);
    process.off("SIGINT", own);
  });

  test.each([
    ["rejects", /^Weights & Biases opened no run of project p \(No API key found\), for which WANDB_API_KEY, project and entity must fit$/],
    ["throws elsewhere", /\(Failed to upsert run\)/],
    ["hangs", /\(no answer within 0\.05 s\)/],
  ] as const)("one that %s is an error, and what was opened is closed", async (opening, message) => {
    const before = handlers();
    // vitest's own handlers would take an error thrown elsewhere for a failure.
    const others = process.rawListeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const fake = fakeWandb(opening);
    try {
      await expect(openRun(fake.sdk, init, 0.05)).rejects.toThrow(message);
    } finally {
      for (const listener of others) process.on("uncaughtException", listener as () => void);
    }
    expect(fake.closed).toBe(true);
    expect(handlers()).toEqual(before);
  });
});

describe("the package", () => {
  test("that is not installed is an error before the model is loaded, with the command that installs it", async () => {
    const folder = tempFolder();
    process.chdir(folder);
    const loaded = vi.fn(() => Promise.reject(new Error("the model is loaded")));
    const run = trainFake(fakeConfig(folder, { trainer: { loggers: ["jsonl", "wandb"] } }), { models: { loadTokenizer: loaded, loadPolicy: loaded } as unknown as ModelSource });
    await expect(run).rejects.toThrow(ConfigError);
    await expect(run).rejects.toThrow(
      /^\[logger wandb\] @wandb\/sdk is not installed; verlet does not bring it along: got nothing of that name in node_modules of .*, expected the SDK of Weights & Biases\. Run npm install @wandb\/sdk, or take tensorboard, jsonl or csv in its place\.$/,
    );
    expect(loaded).not.toHaveBeenCalled();
    expect(existsSync(join(folder, "out"))).toBe(false);
  });

  test("is found in the user's project and imported; a whole run goes there with its configuration", async () => {
    const folder = tempFolder();
    const fake = installWandb(folder);
    process.chdir(folder);
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await trainFake(fakeConfig(folder, { trainer: { maxSteps: 2, loggers: [{ name: "wandb", project: "mine" }] } }));
    expect(fake.init).toMatchObject({ project: "mine", name: "out", config: { algorithm: { name: "fake" }, trainer: { maxSteps: 2 } }, settings: { silent: true } });
    expect(fake.rows.map(({ step }) => step)).toEqual([1, 2]);
    expect(fake.rows[1]!.row).toHaveProperty("loss");
    expect(fake.finished).toEqual([0]);
    vi.restoreAllMocks();
  });

  test("finishes a run that failed", async () => {
    const folder = tempFolder();
    const fake = installWandb(folder);
    process.chdir(folder);
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await expect(trainFake(fakeConfig(folder, { algorithm: { throwAt: 3 }, trainer: { loggers: ["wandb"] } }))).rejects.toThrow("fails at step 3");
    await vi.waitFor(() => expect(fake.finished).toEqual([1]));
    expect(fake.rows.map(({ step }) => step)).toEqual([1, 2]);
    vi.restoreAllMocks();
  });

  test("knows no offline mode: WANDB_MODE=offline is an error instead of lost metrics", () => {
    const folder = tempFolder();
    installWandb(folder);
    expect(basename(findSdk(folder))).toBe("index.cjs");
    expect(basename(findSdk(folder, { WANDB_MODE: "online" }))).toBe("index.cjs");
    expect(() => findSdk(folder, { WANDB_MODE: "offline" })).toThrow("[logger wandb] WANDB_MODE: got offline, expected online: @wandb/sdk knows no other, and would lose the metrics. Unset it, or take tensorboard, jsonl or csv in its place.");
  });

  test("an unknown option", () => {
    expect(() => createComponent("logger", "wandb", { name: "x" })).toThrow(/\[logger wandb\] wrong options \(it takes: project, entity, runName\)/);
  });
});
