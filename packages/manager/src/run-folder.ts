import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkpointName, CONFIG_FILE, removeStaleTemporaries, temporaryName, writeFileAtomic } from "@verlet/checkpoint";
import type { ChatTokenizer, Policy, ScoredRollout } from "@verlet/core";

/** Where the parts of a run lie in its output folder. */
export function runPaths(outputDir: string): { config: string; checkpoints: string; rollouts: string } {
  return { config: join(outputDir, CONFIG_FILE), checkpoints: join(outputDir, "checkpoints"), rollouts: join(outputDir, "rollouts") };
}

/** Makes the folder ready for the first step: its config written, leftovers of killed writers and of later steps gone. */
export async function openRunFolder(outputDir: string, yaml: string, startStep: number): Promise<void> {
  const { config, checkpoints, rollouts } = runPaths(outputDir);
  await mkdir(checkpoints, { recursive: true });
  await removeStaleTemporaries(outputDir);
  await removeStaleTemporaries(checkpoints);
  for (const name of await readdir(rollouts).catch(() => [])) {
    const step = Number(/^step-(\d+)\.jsonl$/.exec(name)?.[1] ?? -1);
    if (step > startStep) await rm(join(rollouts, name));
  }
  await writeFileAtomic(config, yaml);
}

/** `rollouts/step-000010.jsonl`: one line a completion. */
export async function writeRollouts(outputDir: string, step: number, rollouts: readonly (ScoredRollout & { advantage: number })[]): Promise<void> {
  const lines = rollouts.map(({ prompt, group, completion, score, rewards, extras, failures, advantage, finished }) =>
    JSON.stringify({ step, group, prompt: prompt.text, completion, rewards, extras, score, failures, advantage, finished }),
  );
  await writeFileAtomic(join(runPaths(outputDir).rollouts, `${checkpointName(step)}.jsonl`), `${lines.join("\n")}\n`);
}

/** Writes the model's folder so that a crash half way leaves whole files: beside the target first, then renamed one by one. */
export async function exportModel(folder: string, policy: Pick<Policy, "save">, tokenizer: Pick<ChatTokenizer, "save">): Promise<void> {
  await mkdir(folder, { recursive: true });
  await removeStaleTemporaries(folder);
  const temporary = temporaryName(join(folder, "model"));
  await policy.save(temporary);
  await tokenizer.save(temporary);
  for (const name of await readdir(temporary)) await rename(join(temporary, name), join(folder, name));
  await rm(temporary, { recursive: true });
}
