/** A run in VERL's shape on a tiny real model: VERL's own rows, two steps. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Metrics } from "@verlet/core";

const model = join(import.meta.dirname, "../../fixtures/models/qwen3");
const questions = ["one", "two and two", "three", "four"];

/** Writes VERL's rows, as JSON lines. */
export function writeRows(folder: string, name = "train.jsonl"): string {
  const path = join(folder, name);
  const row = (content: string, index: number): object => ({
    data_source: "tests/tiny",
    prompt: [{ role: "user", content }],
    ability: "none",
    reward_model: { style: "rule", ground_truth: `truth ${index}` },
    extra_info: { split: "train", index },
  });
  writeFileSync(path, questions.map((question, index) => `${JSON.stringify(row(question, index))}\n`).join(""));
  return path;
}

/** A GRPO file as an object; `sections` stand over it key by key. */
export function tinyVerl(folder: string, sections: Readonly<Record<string, object>> = {}): Record<string, unknown> {
  return {
    data: { train_files: writeRows(folder), train_batch_size: 2, max_response_length: 4, ...sections.data },
    actor_rollout_ref: { model: { path: model }, actor: { ppo_mini_batch_size: 2, optim: { lr: 0.01 } }, rollout: { n: 2 } },
    algorithm: { adv_estimator: "grpo", ...sections.algorithm },
    trainer: { total_training_steps: 2, default_local_dir: join(folder, "out"), logger: [], ...sections.trainer },
    verlet: { backend: "wasm", ...sections.verlet },
  };
}

/** metrics.jsonl, a record a step. */
export function metricsOf(folder: string): Metrics[] {
  const lines = readFileSync(join(folder, "metrics.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Metrics);
}
