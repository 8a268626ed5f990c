import { rename, rm } from "node:fs/promises";
import { temporaryName } from "./atomic-write.js";
import { listCheckpoints, type CheckpointFolder } from "./list-checkpoints.js";
import { readCheckpointState } from "./read-checkpoint.js";

export interface Retention {
  /** How many of the newest checkpoints stay; 0 = all of them. */
  keepLast: number;
  /** The best one by this metric of metrics.jsonl stays as well. */
  keepBest?: { metric: string; mode: "max" | "min" };
}

/**
 * Deletes the checkpoints that retention does not keep, going by what is on disk, so that those of an earlier process
 * count too. The newest and the best always stay; so does one that cannot be read.
 * @returns the folders deleted.
 */
export async function pruneCheckpoints(root: string, retention: Retention): Promise<string[]> {
  const all = await listCheckpoints(root);
  if (retention.keepLast === 0) return [];
  const keep = new Set(all.slice(-retention.keepLast).map(({ folder }) => folder));
  const best = retention.keepBest && (await bestCheckpoint(all, retention.keepBest));
  if (best) keep.add(best.folder);
  const deleted: string[] = [];
  for (const { folder } of all) {
    if (keep.has(folder)) continue;
    if (retention.keepBest && (await metricsOf(folder)) === undefined) continue;
    // Renamed first: a half-deleted folder must never be listed as a checkpoint.
    const doomed = temporaryName(folder);
    await rename(folder, doomed);
    await rm(doomed, { recursive: true, force: true });
    deleted.push(folder);
  }
  return deleted;
}

/** The checkpoint with the best value of the metric, the newer one of equals; undefined where none has it. */
export async function bestCheckpoint(
  checkpoints: readonly CheckpointFolder[],
  { metric, mode }: NonNullable<Retention["keepBest"]>,
): Promise<(CheckpointFolder & { value: number }) | undefined> {
  let best: (CheckpointFolder & { value: number }) | undefined;
  for (const checkpoint of checkpoints) {
    const value = (await metricsOf(checkpoint.folder))?.[metric];
    if (typeof value !== "number" || Number.isNaN(value)) continue;
    if (!best || (mode === "max" ? value >= best.value : value <= best.value)) best = { ...checkpoint, value };
  }
  return best;
}

async function metricsOf(folder: string): Promise<Record<string, number | null> | undefined> {
  return readCheckpointState(folder).then(
    (state) => state.metrics,
    () => undefined,
  );
}
