import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "@verlet/config";
import { registerTrainer, TrainingError, type Run, type StepMetrics, type Trainer } from "@verlet/core";
import { checkMemory, checkWeights, createManager, planRun, runMemory, type RunShape } from "@verlet/manager";
import { describeOnOneBackend } from "../../helpers/backends.js";
import { fixture } from "../../helpers/fixtures.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { Recorder } from "./fake-run.js";
import { sampling, sft, shapeOf, small } from "./memory-shapes.js";

const tiny = fixture("models/qwen3");

const large = { hidden_size: 8192, intermediate_size: 32768, num_hidden_layers: 100 };

/** A folder as `tiny`, without weights. */
function folderWithoutWeights(more: object): string {
  const folder = join(tempFolder(), "model");
  mkdirSync(folder);
  for (const name of ["tokenizer.json", "tokenizer_config.json", "generation_config.json"]) copyFileSync(join(tiny, name), join(folder, name));
  const config = JSON.parse(readFileSync(join(tiny, "config.json"), "utf8")) as object;
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, ...more }));
  return folder;
}

function textRows(...texts: string[]): string {
  const path = join(tempFolder(), "rows.jsonl");
  writeFileSync(path, texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
  return path;
}

/** Cannot tell how long its rows are, and takes steps of nothing. */
@registerTrainer("check-memory-test/idle", { uses: [] })
export class IdleTrainer implements Trainer {
  #run!: Run;
  async setup(run: Run): Promise<void> {
    this.#run = run;
  }
  async step(): Promise<StepMetrics> {
    this.#run.train.next(1);
    return { metrics: {} };
  }
  state(): null {
    return null;
  }
  restore(): void {}
}

/** Asks for a critic that its registration does not name. */
@registerTrainer("check-memory-test/asking")
export class AskingTrainer extends IdleTrainer implements Trainer {
  override async setup(run: Run): Promise<void> {
    await super.setup(run);
    await run.companions.critic("critic");
  }
}

const refusal = (promise: Promise<unknown>): Promise<TrainingError> => promise.then(() => expect.fail("not refused"), (error: TrainingError) => error);

async function trains(config: Record<string, unknown>, changes: { overrides?: string[] } = {}): Promise<Recorder> {
  const recorder = new Recorder();
  const manager = await createManager(config, { loggers: [recorder] });
  try {
    await manager.train(changes);
  } finally {
    await manager.dispose();
  }
  return recorder;
}

describeOnOneBackend("a run that cannot fit", (backend) => {
  const config = (model: object, { algorithm = "sft", data = {}, trainer = {} }: { algorithm?: string; data?: object; trainer?: object } = {}): Record<string, unknown> => ({
    algorithm,
    model,
    data: { train: textRows("one", "one two three"), ...data },
    trainer: { batchSize: 2, maxSteps: 1, outputDir: join(tempFolder(), "out"), loggers: [], ...trainer },
    backend,
  });

  test("is refused before its weights are looked for, with the keys that would make it fit", async () => {
    const model = { path: folderWithoutWeights(large) };
    const error = await refusal(trains(config(model, { data: { maxLength: 32 } })));
    expect(error).toBeInstanceOf(TrainingError);
    expect(error.message).toMatch(/^\[memory\] this run cannot fit: got [\d.]+ GiB for weights, gradients and moments before the first row \([\d.]+ GiB of weights\), expected at most the [\d.]+ GiB there are\. .*trainer\.memoryCheck: warn starts the run all the same\.$/);
    // one that fits gets as far as its weights, which are not there
    expect((await refusal(trains(config({ path: folderWithoutWeights({}) })))).message).toContain("the folder has no weights");
    // as does one that is only warned of
    expect((await refusal(trains(config(model, { trainer: { memoryCheck: "warn" } })))).message).toContain("the folder has no weights");
  });

  test("is refused once its rows are known, before anything is written", async () => {
    const run = config({ path: tiny }, { data: { maxLength: 100_000 }, trainer: { batchSize: 1_000_000 } });
    const error = await refusal(trains(run));
    expect(error.message).toMatch(/^\[memory\] this run cannot fit: got about [\d.]+ GiB at one time \(weights in float32 .*, activations of 1000000 × \d\d tokens .*\), expected at most .*Set trainer\.microBatchSize: \d+ \([\d.]+ GiB\)/);
    expect(existsSync((run["trainer"] as { outputDir: string }).outputDir)).toBe(false);
  });

  test("is another run with the key that the message names", async () => {
    const run = config({ path: tiny }, { trainer: { batchSize: 1_000_000 } });
    const manager = await createManager(run);
    const [named] = /trainer\.microBatchSize: (\d+)/.exec((await refusal(manager.train())).message)!;
    const plan = await planOf(run, [named.replace(": ", "=")]);
    expect(() => checkMemory(plan.shape, expect.fail)).not.toThrow();
    await manager.dispose();
  });

  test("starts all the same where trainer.memoryCheck is warn, and says so in one line", async () => {
    const { lines } = await trains(config({ path: tiny }, { algorithm: "check-memory-test/idle", data: { maxLength: 100_000_000 }, trainer: { memoryCheck: "warn" } }));
    expect(lines.filter((line) => line.startsWith("memory:"))).toEqual([expect.stringMatching(/^memory: this run may not fit: it takes about [\d.]+ GiB at one time \(.*2 × 100000000 tokens.*\), and there are [\d.]+ GiB\. Set .*\.$/)]);
    expect(lines.join("\n")).toMatch(/\n +memory .*; at most about [\d.]+ GiB at one time, more than the [\d.]+ GiB there are; /);
  });

  test("that is refused may be asked for again with less", async () => {
    const manager = await createManager(config({ path: tiny }, { algorithm: "check-memory-test/idle", data: { maxLength: 100_000_000 } }));
    expect((await refusal(manager.train())).message).toContain("[memory]");
    await expect(manager.train({ overrides: ["data.maxLength=64"] })).resolves.toMatchObject({ steps: 1 });
    await manager.dispose();
  });

  test("is no matter to an evaluation", async () => {
    const run = config({ path: tiny }, { data: { maxLength: 64, eval: textRows("one two") }, trainer: { batchSize: 100_000_000, microBatchSize: 0 } });
    expect((await refusal(trains(run))).message).toContain("[memory]");
    const manager = await createManager(run);
    await expect(manager.evaluate()).resolves.toMatchObject({ metrics: { "eval/loss": expect.any(Number) as number } });
    await manager.dispose();
  });

  test("long rows that the config allows are no reason where there are none", async () => {
    const { lines } = await trains(config({ path: tiny }, { data: { maxLength: 100_000_000 } }));
    expect(lines.join("\n")).toMatch(/activations of 2 × \d\d tokens/);
  });

  test("the plan has the memory by part, and that of a model that its registration does not name", async () => {
    const { lines } = await trains(config({ path: tiny }, { algorithm: "check-memory-test/asking", data: { maxLength: 64 } }));
    const text = lines.join("\n");
    expect(text).toMatch(/\n +memory +1\.0 MiB for 64048 trained numbers with gradients and moments; at most about [\d.]+ MiB at one time, of the [\d.]+ GiB there are; [\d.]+ [MG]iB in use now\n/);
    expect(text).toMatch(/\n +weights in float32 0\.2 MiB, gradients 0\.2 MiB, moments 0\.5 MiB, activations of 2 × 64 tokens [\d.]+ MiB, logits [\d.]+ MiB, critic with its moments 0\.7 MiB, Node\.js and the backend [\d.]+ MiB/);
  });

  test("a plan needs no weights, and tells of the rows what a run does", async () => {
    const path = folderWithoutWeights(large);
    const { text, event } = await planOf(config({ path }, { algorithm: "ppo", data: { train: textRows(), columns: {} } }), ["rewards=[{name: format, options: {pattern: x}}]", `data.train=${promptRows("one", "one two three", "two")}`, "trainer.maxSteps=null"]);
    expect(text).toMatch(/\n +critic +a critic, trained beside the policy; [\d.]+ GiB for \d+ trained numbers with gradients and moments\n +steps +2 optimizer steps over 3 rows\n/);
    expect(text).toMatch(/activations of 2 × 2[5-9]\d tokens/); // rollout.maxNewTokens and the longest prompt, not data.maxPromptTokens
    expect(event).toMatchObject({ totalSteps: 2, memory: { peakBytes: expect.any(Number) as number } });
    expect(event.memory!.parts["critic with its moments"]).toBeGreaterThan(1e9);
  });

  async function planOf(run: Record<string, unknown>, overrides: string[] = []): ReturnType<typeof planRun> {
    const yaml = join(tempFolder(), "run.yaml");
    writeFileSync(yaml, JSON.stringify(run));
    return planRun(await loadConfig(yaml, overrides), () => undefined);
  }
});

function promptRows(...prompts: string[]): string {
  const path = join(tempFolder(), "prompts.jsonl");
  writeFileSync(path, prompts.map((prompt) => `${JSON.stringify({ prompt })}\n`).join(""));
  return path;
}

describeOnOneBackend("limits", (backend) => {
  test("exactly as much as there is fits; one byte less does not", async () => {
    const shape: RunShape = await shapeOf(sft());
    const { peak } = runMemory(shape);
    expect(() => checkMemory(shape, expect.fail, peak)).not.toThrow();
    expect(() => checkMemory(shape, expect.fail, peak - 1)).toThrow("[memory] this run cannot fit");
  });

  test("weights that are too large: what they would take, and what of it would fit", async () => {
    const shape = await shapeOf(sft({ trainer: { batchSize: 1, gradientCheckpointing: true } }), {}, { model: { ...small, hiddenSize: 4096, intermediateSize: 12288, layers: 36, vocabSize: 151936 } });
    const fix = backend === "native" ? /\. Set model\.lora: \{\} and model\.baseDtype: bfloat16 \([\d.]+ GiB\)\. This/ : /\. Take a smaller model/;
    expect(() => checkWeights(shape, 16 * 2 ** 30)).toThrow(fix);
    const beside = await shapeOf(sampling({ algorithm: "ppo", loss: { klCoef: 0.1 } }));
    expect(() => checkWeights(beside, 1e6)).toThrow(/before the first row \(0\.5 MiB of weights, 0\.5 MiB of a reference model, 1\.6 MiB of critic\)/);
    expect(() => checkWeights(shape, 1e6)).toThrow("expected at most the 1.0 MiB there are. Take a smaller model, or a machine with more memory. This is an estimate");
  });
});
