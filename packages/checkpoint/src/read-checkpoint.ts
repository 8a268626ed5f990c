import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CheckpointError, VerletError, type Optimizer, type Policy } from "@verlet/core";
import { decodeFloats, SafetensorsFile, type SafetensorsEntry } from "@verlet/model";
import { CHECKPOINT_FORMAT, checkpointState, OPTIMIZER_FILE, STATE_FILE, type CheckpointState } from "./checkpoint-state.js";
import { listCheckpoints } from "./list-checkpoints.js";

/** A model trained beside the policy, to be given back what `saveCheckpoint` wrote. */
export interface RestoredCompanion {
  name: string;
  model: Pick<Policy, "restore">;
  optimizer: Pick<Optimizer, "restore">;
}

const USE_ANOTHER = "Resume from an older checkpoint with trainer.resume=<its folder>, or start anew in another trainer.outputDir";

/** Reads and checks `state.json`, and that every file it lists is there in full. @throws CheckpointError */
export async function readCheckpointState(folder: string): Promise<CheckpointState> {
  const path = join(folder, STATE_FILE);
  const text = await readFile(path, "utf8").catch(async (cause: unknown) => {
    throw await noCheckpoint(folder, cause);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError({ where: path, what: "not readable as JSON", got: (cause as Error).message, fix: USE_ANOTHER }, { cause });
  }
  const format = (json as { format?: unknown } | null)?.format;
  if (format !== CHECKPOINT_FORMAT) {
    throw new CheckpointError({
      where: path,
      what: "a checkpoint of another format",
      got: String(format),
      expected: String(CHECKPOINT_FORMAT),
      fix: "Resume with the version of verlet that wrote it",
    });
  }
  const parsed = checkpointState.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const what = `${issue.path.join(".") || "the file"} is not as it was written`;
    throw new CheckpointError({ where: path, what, got: issue.message, fix: USE_ANOTHER });
  }
  await checkFiles(folder, parsed.data.files);
  return parsed.data;
}

async function checkFiles(folder: string, files: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    const size = await stat(join(folder, name)).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === bytes) continue;
    throw new CheckpointError({
      where: join(folder, name),
      what: "the checkpoint is damaged",
      got: size === undefined ? "no such file" : `${size} bytes`,
      expected: `${bytes} bytes`,
      fix: USE_ANOTHER,
    });
  }
}

/** Gives the optimizer its moments and step count back, bit for bit; each tensor is read when the optimizer asks for it. @throws CheckpointError */
export async function restoreOptimizer(folder: string, { optimizer: saved }: Pick<CheckpointState, "optimizer">, optimizer: Pick<Optimizer, "restore">): Promise<void> {
  const path = join(folder, OPTIMIZER_FILE);
  let file: SafetensorsFile | undefined;
  try {
    const opened = (file = await SafetensorsFile.open(path));
    const tensors = Object.fromEntries(
      Object.entries(saved.shapes).map(([name, shape]) => {
        if (!opened.tensors.has(name)) throw new CheckpointError({ where: path, what: "a tensor of the optimizer is missing", expected: name, fix: USE_ANOTHER });
        return [name, { shape, get data() { return floatsOf(opened.readSync(name)); } }];
      }),
    );
    optimizer.restore({ step: saved.step, tensors });
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    const got = cause instanceof VerletError ? cause.message : String(cause);
    throw new CheckpointError({ where: path, what: "the optimizer's state does not fit", got, fix: USE_ANOTHER }, { cause });
  } finally {
    await file?.close();
  }
}

const floatsOf = ({ data, dtype }: SafetensorsEntry): Float32Array => decodeFloats(data, dtype);

/**
 * Gives the models beside the policy their weights and optimizers back.
 * @throws CheckpointError when the checkpoint holds none for one of them, or they do not fit.
 */
export async function restoreCompanions(folder: string, state: CheckpointState, companions: readonly RestoredCompanion[]): Promise<void> {
  for (const { name, model, optimizer } of companions) {
    const saved = state.companions[name];
    if (!saved) {
      const there = Object.keys(state.companions).join(", ") || "none";
      throw new CheckpointError({ where: folder, what: "the checkpoint lacks a model of this run", got: there, expected: name, fix: USE_ANOTHER });
    }
    await model.restore(join(folder, name));
    await restoreOptimizer(join(folder, name), { optimizer: saved }, optimizer);
  }
}

async function noCheckpoint(folder: string, cause: unknown): Promise<CheckpointError> {
  const root = resolve(dirname(folder));
  const found = [...(await listCheckpoints(root)), ...(await listCheckpoints(join(folder, "checkpoints")))];
  const there = found.map((checkpoint) => checkpoint.folder).join(", ");
  return new CheckpointError(
    {
      where: folder,
      what: `no checkpoint: ${STATE_FILE} cannot be read`,
      got: (cause as Error).message,
      fix: there ? `Give one of these folders: ${there}` : "Give the folder of a checkpoint, such as output/checkpoints/step-000050",
    },
    { cause },
  );
}
