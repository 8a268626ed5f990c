/**
 * What the examples run with, so that their text can stay that of the documents. As it is, everything is small enough to
 * run in seconds: a model of one layer that has learnt a little addition, sums in GSM8K's layout, a few steps. With
 * VERLET_MODELS=./models the same text takes the models in that folder, GSM8K, and the documents' own numbers; README.md
 * says how.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSftDataset, SFTTrainerWrapper, writeTinyModelFolder } from "verlet";

const models = process.env.VERLET_MODELS;

/** Where the examples write. */
const root = process.env.VERLET_OUTPUT ?? "./output/documents";

/** The folder of a model that the documents name, `Qwen/Qwen3-0.6B`. */
export const model = (name: string): string => (models === undefined ? tiny : join(models, name));

/** GSM8K, or files of sums in its layout. */
export const gsm8k = models === undefined ? { train: join(root, "sums-train.jsonl"), test: join(root, "sums-test.jsonl") } : "gsm8k";

/** As many rows as the document says, or eight. */
export const samples = (documented: number): number => (models === undefined ? Math.min(documented, 8) : documented);

/** As many epochs as the document says, or one. */
export const epochs = (documented: number): number => (models === undefined ? 1 : documented);

/** As many steps of warm-up as the document says, or none. */
export const warmup = (documented: number): number => (models === undefined ? 0 : documented);

/** The document's learning rate, or one at which so small a model learns something within a few steps. */
export const rate = (documented: number): number => (models === undefined ? 50 * documented : documented);

/** Four short completions of each prompt in place of verlet's own numbers, 8 and 256 tokens. */
export const generation = models === undefined ? { num_generations: 4, max_new_tokens: 24 } : {};

/** The same in camelCase. */
export const shortCompletions = models === undefined ? { numGenerations: 4, maxNewTokens: 24 } : {};

/** The example's own folder, for what the document writes to `./output`; what an earlier run of the example left is gone. */
export function outputOf(example: string): string {
  const folder = join(root, example);
  rmSync(folder, { recursive: true, force: true });
  return folder;
}

const tiny = join(root, "tiny-model");

if (models === undefined && !existsSync(join(tiny, "model.safetensors"))) {
  const sums = [0, 1, 2, 3, 4].flatMap((a) => [0, 1, 2, 3, 4].map((b) => ({ question: `What is ${a}+${b}?`, answer: `${a}+${b}=${a + b}\n#### ${a + b}` })));
  const write = (path: string, rows: object[]): void => writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  mkdirSync(root, { recursive: true });
  write(join(root, "sums-train.jsonl"), sums);
  write(join(root, "sums-test.jsonl"), sums.filter((_, i) => i % 2 === 0));
  // Taught until it gets some sums right and others wrong: with random weights there would be no reward to learn from.
  const random = join(root, "random-model");
  await writeTinyModelFolder(random, { hiddenSize: 64, layers: 1, headSize: 16, mlpSize: 192 });
  const teacher = new SFTTrainerWrapper({
    modelName: random,
    dataset: await createSftDataset({ dataset: sums }),
    outputDir: join(root, "teaching"),
    batchSize: 16,
    maxSteps: 60,
    numEpochs: 100,
    learningRate: 1e-2,
    warmupSteps: 5,
    console: false,
    overrides: ["model.init=random", "optimizer.beta2=0.95"],
  });
  await teacher.train();
  await teacher.saveModel(tiny);
}
