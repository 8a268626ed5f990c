/** Questions in GSM8K's layout, a tiny model, and the tool over them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { RLTrainingTool } from "@verlet/agents";

export const model = join(import.meta.dirname, "../../fixtures/models/qwen3");

export const questions = [
  { question: "What is 2+2?", answer: "2+2=<<2+2=4>>4.\n#### 4" },
  { question: "What is 5+3?", answer: "5+3=<<5+3=8>>8.\n#### 8" },
  { question: "What is 10+7?", answer: "10+7=17.\nSo it is 17.\n#### 17" },
  { question: "What is 600+600?", answer: "600+600=1200.\n#### 1,200" },
];

export function writeQuestions(folder: string, name = "gsm8k.jsonl"): string {
  const path = join(folder, name);
  writeFileSync(path, questions.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

/** A tool that prints nothing and knows the questions as "gsm8k". */
export function tinyTool(options: ConstructorParameters<typeof RLTrainingTool>[0] = {}): RLTrainingTool {
  const tool = new RLTrainingTool({ console: false, ...options });
  tool.registerDataset("gsm8k", { train: questions, test: questions.slice(0, 3) });
  return tool;
}

export type Reply = Record<string, unknown>;

export async function reply(tool: RLTrainingTool, params: object | string, options?: Parameters<RLTrainingTool["run"]>[1]): Promise<Reply> {
  return JSON.parse(await tool.run(params as Reply, options)) as Reply;
}

/** Parameters of the smallest run there is. */
export const sft = (outputDir: string, more: object = {}): Reply => ({ action: "train", algorithm: "sft", model_name: model, output_dir: outputDir, num_epochs: 1, batch_size: 2, backend: "wasm", ...more });
export const grpo = (outputDir: string, more: object = {}): Reply => ({ ...sft(outputDir), algorithm: "grpo", num_generations: 2, max_new_tokens: 4, max_steps: 1, ...more });
