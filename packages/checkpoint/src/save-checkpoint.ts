import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError, type ChatTokenizer, type Json, type Metrics, type Optimizer, type Policy } from "@verlet/core";
import { writeSafetensors } from "@verlet/model";
import { syncPath, syncTree, temporaryName } from "./atomic-write.js";
import { CHECKPOINT_FORMAT, CONFIG_FILE, OPTIMIZER_FILE, STATE_FILE, type CheckpointState, type SavedOptimizer } from "./checkpoint-state.js";
import { checkpointName } from "./list-checkpoints.js";

/** A model with an optimizer of its own; its files go into a folder of its name. */
export interface SavedCompanion {
  name: string;
  model: Pick<Policy, "save">;
  optimizer: Pick<Optimizer, "state">;
}

/** What a run must have back to go on as if it had never stopped. */
export interface CheckpointParts {
  /** Optimizer steps done. */
  step: number;
  policy: Pick<Policy, "save">;
  /** With it, the checkpoint's folder loads in transformers or PEFT like the final one. */
  tokenizer?: Pick<ChatTokenizer, "save">;
  optimizer: Pick<Optimizer, "state">;
  /** Models trained beside the policy. */
  companions?: readonly SavedCompanion[];
  /** State of each random stream, by name. */
  rngs: Readonly<Record<string, string>>;
  loader: Json;
  kl: Json;
  trainer: Json;
  manager: Json;
  metrics: Metrics;
  /** The resolved config, to be compared when the run goes on. */
  config: Json;
  /** The same as the user reads it. */
  configYaml: string;
}

/**
 * Writes `root/step-000050`: everything goes into a temporary folder beside it, is forced to disk and then renamed, so
 * that a crash at any moment leaves either the whole checkpoint or none.
 * @returns the checkpoint's folder.
 * @throws CheckpointError when it exists already or cannot be written; earlier checkpoints are untouched.
 */
export async function saveCheckpoint(root: string, parts: CheckpointParts): Promise<string> {
  const folder = join(root, checkpointName(parts.step));
  if (await exists(folder)) {
    throw new CheckpointError({
      where: folder,
      what: `a checkpoint of step ${parts.step} is already there`,
      fix: "Move it away or save into another folder",
    });
  }
  const temporary = temporaryName(folder);
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    await writeContents(temporary, parts);
    await rename(temporary, folder);
    await syncPath(root);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw new CheckpointError(
      {
        where: folder,
        what: "the checkpoint could not be written",
        got: (cause as Error).message,
        fix: "Check the free space and the rights of trainer.outputDir; the checkpoints already there are untouched",
      },
      { cause },
    );
  }
  return folder;
}

async function writeContents(folder: string, parts: CheckpointParts): Promise<void> {
  // The policy trains float32 numbers whatever format it is published in, so only float32 comes back bit for bit.
  await parts.policy.save(folder, { dtype: "float32" });
  await parts.tokenizer?.save(folder);
  const optimizer = await writeOptimizer(folder, parts.optimizer);
  const companions: CheckpointState["companions"] = {};
  for (const { name, model, optimizer } of parts.companions ?? []) {
    await model.save(join(folder, name), { dtype: "float32" });
    companions[name] = await writeOptimizer(join(folder, name), optimizer);
  }
  await writeFile(join(folder, CONFIG_FILE), parts.configYaml);
  const state: CheckpointState = {
    format: CHECKPOINT_FORMAT,
    step: parts.step,
    config: parts.config,
    rngs: { ...parts.rngs },
    loader: parts.loader,
    kl: parts.kl,
    trainer: parts.trainer,
    manager: parts.manager,
    optimizer,
    companions,
    metrics: parts.metrics,
    files: await syncTree(folder),
  };
  await writeFile(join(folder, STATE_FILE), `${JSON.stringify(state)}\n`);
  await syncPath(join(folder, STATE_FILE));
  await syncPath(folder);
}

async function writeOptimizer(folder: string, optimizer: Pick<Optimizer, "state">): Promise<SavedOptimizer> {
  const { step, tensors } = optimizer.state();
  await writeSafetensors(
    join(folder, OPTIMIZER_FILE),
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, { dtype: "F32" as const, shape: tensor.shape, data: () => tensor.data }])),
  );
  return { step, shapes: Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape])) };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
