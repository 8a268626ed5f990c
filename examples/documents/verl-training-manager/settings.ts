/** What the examples of this document share: rows as VERL's preprocessing writes them, and the model in place of the YAML's. */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createRlDataset, type RLTrainingManagerOptions } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const rows = await createRlDataset({ dataset: gsm8k, maxSamples: samples(7473) });
const folder = outputOf("verl-training-manager/data");
mkdirSync(folder, { recursive: true });

/** A file of rows in VERL's shape. */
export const dataPath = `${folder}/train.jsonl`;
writeFileSync(
  dataPath,
  rows
    .map(({ prompt, question, ground_truth }, index) => ({
      data_source: "openai/gsm8k",
      prompt: [{ role: "user", content: prompt }],
      ability: "math",
      reward_model: { style: "rule", ground_truth },
      extra_info: { split: "train", index, question },
    }))
    .map((row) => `${JSON.stringify(row)}\n`)
    .join(""),
);

/** A file of this folder. */
export const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The model, and as many epochs as settings.ts of the folder above says. */
export const overrides = [`actor_rollout_ref.model.path=${model("Qwen/Qwen2.5-0.5B-Instruct")}`, `trainer.total_epochs=${epochs(15)}`];

/** Beside `config` for each manager here. */
export const manager: RLTrainingManagerOptions["manager"] = { overrides };
