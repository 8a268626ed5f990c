import { readdir } from "node:fs/promises";
import { join } from "node:path";

export interface CheckpointFolder {
  step: number;
  folder: string;
}

/** `step-000050`. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, "0")}`;
}

/** The finished checkpoints below `root`, oldest first; temporary folders of unfinished ones are passed over. */
export async function listCheckpoints(root: string): Promise<CheckpointFolder[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  return entries
    .map((entry) => ({ entry, match: /^step-(\d{6,})$/.exec(entry.name) }))
    .filter(({ entry, match }) => match && entry.isDirectory())
    .map(({ entry, match }) => ({ step: Number(match![1]), folder: join(root, entry.name) }))
    .sort((a, b) => a.step - b.step);
}

/** The checkpoint of the highest step, or undefined where there is none. */
export async function latestCheckpoint(root: string): Promise<CheckpointFolder | undefined> {
  return (await listCheckpoints(root)).at(-1);
}
