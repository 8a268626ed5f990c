import { readCheckpointState, restoreCompanions, restoreOptimizer, saveCheckpoint, type CheckpointParts, type CheckpointState } from "@verlet/checkpoint";
import { restoreRun, type LiveRun } from "./live-run.js";

/** A checkpoint to go on from. */
export interface ResumePoint {
  folder: string;
  state: CheckpointState;
}

/** @throws CheckpointError when there is none in the folder, or it is damaged. */
export async function readResumePoint(folder: string): Promise<ResumePoint> {
  return { folder, state: await readCheckpointState(folder) };
}

/** What of a checkpoint is not a model of the run. */
export type RunRecord = Omit<CheckpointParts, "policy" | "tokenizer" | "optimizer" | "companions">;

/** Writes `root/step-…`: every model of the run with its optimizer, and the record. @returns the checkpoint's folder */
export function saveRun(root: string, { policy, tokenizer, optimizer, companions }: LiveRun, record: RunRecord): Promise<string> {
  return saveCheckpoint(root, { policy, tokenizer, optimizer, companions: companions.all, ...record });
}

/** Puts everything back as it was after the checkpoint's step. */
export async function resumeRun({ folder, state }: ResumePoint, run: LiveRun): Promise<void> {
  await run.policy.restore(folder);
  await restoreOptimizer(folder, state, run.optimizer);
  await restoreCompanions(folder, state, run.companions.all);
  restoreRun(run, state);
}
