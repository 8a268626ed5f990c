import { isDeepStrictEqual } from "node:util";
import { createComponent, registry, RegistryError, type Policy, type Row, type Trainer } from "@verlet/core";
import { needsReference, type LoadedConfig, type ResolvedConfig } from "@verlet/config";
import { loaderOf, type LoaderOptions } from "@verlet/data";
import { CausalLM } from "@verlet/model";
import { checkMemory } from "./check-memory.js";
import { CompanionModels } from "./companion-models.js";
import { CountedLoader } from "./counted-loader.js";
import { createOptimizer } from "./create-optimizer.js";
import { LiveRun } from "./live-run.js";
import { setCheckpointing } from "./model-source.js";
import { prepareTraining } from "./prepare-training.js";
import type { RunShape } from "./run-memory.js";
import type { Session } from "./session.js";

/**
 * Reads the data, makes the parts the algorithm uses, and lets the trainer set itself up.
 * @param options.trains false where no step will be taken, so that its memory does not matter
 * @throws TrainingError where a step would take more memory than there is
 */
export async function buildRun(session: Session, { config }: LoadedConfig, log: (line: string) => void, { trains = true }: { trains?: boolean } = {}): Promise<LiveRun> {
  const { container, policy, tokenizer } = session;
  const { gradientCheckpointing } = config.trainer;
  if (!setCheckpointing(policy, gradientCheckpointing) && gradientCheckpointing) log("trainer.gradientCheckpointing changes nothing: the run's own model keeps what it keeps");
  const { uses, companions = {} } = registry.get("trainer", config.algorithm.name);
  const { trainer, data, kept, longest } = await prepareTraining(container, tokenizer, config, log);
  const shape: RunShape | undefined = policy instanceof CausalLM ? { config, model: policy, longest, companions } : undefined;
  const check = (one: RunShape): void => (trains ? checkMemory(one, log) : undefined);
  if (shape) check(shape);
  const train = new CountedLoader(loaderOf(data, kept, orderOf(config, trainer), log));
  const totalSteps = countSteps(config, kept.length);
  const { reference, own } = await loadReference(session, config);
  const part = <T>(section: (typeof uses)[number], make: () => T): T | undefined => (uses.includes(section) ? make() : undefined);
  const run = new LiveRun(
    {
      config,
      policy,
      tokenizer,
      train,
      trainer,
      totalSteps,
      shape,
      reference,
      own,
      optimizer: createOptimizer(policy.trainable, config.optimizer, totalSteps),
      companions: new CompanionModels(session, config, totalSteps),
      rewards: part("rewards", () => session.rewards),
      advantage: part("advantage", () => createComponent("advantage", config.advantage.name, config.advantage.options, container)),
      advantageNeeds: uses.includes("advantage") ? registry.get("advantage", config.advantage.name).needs : {},
      policyLoss: part("loss", () => createComponent("policyLoss", config.loss.name, config.loss.options, container)),
    },
    log,
  );
  try {
    await trainer.setup(run);
    if (shape && !isDeepStrictEqual(run.companions.kinds, companions)) check((run.shape = { ...shape, companions: run.companions.kinds }));
  } catch (error) {
    run.dispose();
    throw error;
  }
  return run;
}

function orderOf({ data, trainer: { seed, batchSize }, algorithm }: ResolvedConfig, trainer: Trainer): LoaderOptions<Row> {
  const order = { seed, shuffle: data.shuffle };
  if (!data.groupByLength) return order;
  if (!trainer.lengthOf) throw new RegistryError({ where: `algorithm ${algorithm.name}`, what: "says that it reads data.groupByLength, but has no `lengthOf`", fix: "Give it one, or take the key off `reads`" });
  return { ...order, groups: { lengthOf: (row) => trainer.lengthOf!(row), batchSize } };
}

/** Optimizer steps: an epoch ends with the batch that holds its last row; each batch gets `loss.iterations` · `loss.miniBatches` updates. */
export function countSteps({ trainer, loss, algorithm }: ResolvedConfig, rows: number): number {
  const updates = registry.get("trainer", algorithm.name).uses.includes("loss") ? loss.iterations * loss.miniBatches : 1;
  return trainer.maxSteps ?? trainer.epochs * Math.ceil(rows / trainer.batchSize) * updates;
}

/**
 * The frozen starting point. A fresh adapter's is the model under it, which costs nothing; full fine-tuning and a
 * continued adapter start from weights that are about to change, so those are loaded a second time.
 */
async function loadReference(session: Session, config: ResolvedConfig): Promise<{ reference?: Pick<Policy, "logProbs">; own: Policy[] }> {
  if (!needsReference(config)) return { own: [] };
  if (config.model.lora && session.policy.withoutAdapter) return { reference: session.policy.withoutAdapter(), own: [] };
  const copy = await session.models.loadPolicy(config.model, config.trainer.seed);
  return { reference: copy, own: [copy] };
}
