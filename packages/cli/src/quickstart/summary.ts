/** What the quickstart tells at its end. */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { curve } from "./curve.js";
import type { Layout } from "./layout.js";
import type { Answer, Evaluation } from "./stages.js";

export interface Results {
  accuracy: { initial: number; sft: number; grpo: number };
  backend: string;
  seconds: { setup: number; sft: number; grpo: number };
}

const SAMPLES = 3;

export function summary(results: Results, layout: Layout, rewards: readonly number[], sft: Evaluation, grpo: Evaluation): string {
  const { accuracy, seconds, backend } = results;
  const percent = (share: number): string => `${(100 * share).toFixed(1).padStart(5)} %`;
  return [
    "",
    `Accuracy on ${grpo.answers.length} held-out additions, greedy:`,
    `  untrained    ${percent(accuracy.initial)}`,
    `  after SFT    ${percent(accuracy.sft)}   ${seconds.sft.toFixed(0)} s; demonstrations by an annotator who forgets 70 % of the carries`,
    `  after GRPO   ${percent(accuracy.grpo)}   ${seconds.grpo.toFixed(0)} s; no demonstrations, only a checker that says right or wrong`,
    "",
    `Mean reward of its samples, GRPO step 1 to ${rewards.length}:`,
    ...curve(rewards),
    "",
    "The same questions, after SFT and after GRPO:",
    ...samples(sft.answers, grpo.answers),
    "",
    ...places(layout),
    "",
    ...nextSteps(layout, backend),
  ].join("\n");
}

/** First those that GRPO corrected. */
function samples(before: readonly Answer[], after: readonly Answer[]): string[] {
  const pairs = after.map((answer, i) => ({ answer, old: before[i]! }));
  const corrected = pairs.filter(({ answer, old }) => answer.correct && !old.correct);
  const others = pairs.filter((pair) => !corrected.includes(pair));
  const mark = ({ completion, correct }: Answer): string => `${correct ? "right" : "wrong"}  ${completion.trim() || "(nothing)"}`;
  return [...corrected, ...others].slice(0, SAMPLES).flatMap(({ answer, old }) => [`  ${answer.question}`, `     SFT   ${mark(old)}`, `     GRPO  ${mark(answer)}`]);
}

function places({ data, sft, grpo }: Layout): string[] {
  const lines: [string, string][] = [
    ["the trained model, loads in transformers", shown(grpo)],
    ["one line of metrics a step", shown(join(grpo, "metrics.jsonl"))],
    ["samples with their rewards and advantages", shown(join(grpo, "rollouts"))],
    ["the model after SFT", shown(sft)],
    ["the data", shown(data)],
  ];
  const present = lines.filter(([, path]) => existsSync(path)); // a run of a few steps writes no rollouts
  const width = Math.max(...present.map(([, path]) => path.length));
  return ["Files:", ...present.map(([what, path]) => `  ${path.padEnd(width)}   ${what}`)];
}

function nextSteps({ grpo }: Layout, backend: string): string[] {
  return [
    "What to try next:",
    `  npx verlet generate --model ${shown(grpo)} --chat --temperature 0 --prompt "58+67=?"`,
    "  npx verlet train configs/quickstart-grpo.yaml algorithm=dapo trainer.outputDir=./output/dapo",
    "  examples/custom-reward   a reward of your own in 15 lines",
    ...(backend === "wasm" || backend === "cpu" ? ["  npm run quickstart -- --native   the same on native TensorFlow, two to three times as fast"] : []),
    "  README.md and docs/   what else there is",
  ];
}

/** As short as it can be typed here. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" || near.startsWith("..") ? path : near;
}
