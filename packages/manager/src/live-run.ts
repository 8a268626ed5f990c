import {
  createComponent,
  registry,
  type Advantage,
  type ChatTokenizer,
  type Json,
  type Policy,
  type PolicyLoss,
  type RewardManager,
  type Rng,
  type Row,
  type Run,
  type Trainer,
} from "@verlet/core";
import type { LoadedConfig, ResolvedConfig } from "@verlet/config";
import { readRows, SeededLoader } from "@verlet/data";
import { isDecayed } from "@verlet/model";
import { AdamW } from "@verlet/optim";
import { needsReference } from "./check-needs.js";
import { CountedLoader } from "./counted-loader.js";
import { CountedOptimizer } from "./counted-optimizer.js";
import { RngStreams } from "./rng-streams.js";
import type { Session } from "./session.js";

/** One run of an algorithm over its data: what trainers see (`Run`), and what the loop needs besides. */
export class LiveRun implements Run {
  readonly config: ResolvedConfig;
  readonly policy: Policy;
  readonly tokenizer: ChatTokenizer;
  readonly reference?: Pick<Policy, "logProbs">;
  readonly train: CountedLoader<Row>;
  readonly optimizer: CountedOptimizer;
  readonly rewards?: RewardManager;
  readonly advantage?: Advantage;
  readonly policyLoss?: PolicyLoss;
  readonly trainer: Trainer;
  readonly totalSteps: number;
  readonly streams: RngStreams;
  /** The optimizer step about to be taken, from 1. */
  step = 1;
  signal: AbortSignal = new AbortController().signal;
  readonly #log: (line: string) => void;
  readonly #own: readonly { dispose(): void }[];

  constructor(parts: RunParts, log: (line: string) => void) {
    this.config = parts.config;
    this.policy = parts.policy;
    this.tokenizer = parts.tokenizer;
    this.train = parts.train;
    this.optimizer = parts.optimizer;
    this.trainer = parts.trainer;
    this.totalSteps = parts.totalSteps;
    this.streams = new RngStreams(parts.config.trainer.seed);
    if (parts.reference) this.reference = parts.reference;
    if (parts.rewards) this.rewards = parts.rewards;
    if (parts.advantage) this.advantage = parts.advantage;
    if (parts.policyLoss) this.policyLoss = parts.policyLoss;
    this.#log = log;
    this.#own = parts.own;
  }

  rng(stream: string): Rng {
    return this.streams.get(stream);
  }

  log(line: string): void {
    this.#log(line);
  }

  dispose(): void {
    this.trainer.dispose?.();
    this.optimizer.dispose();
    for (const part of this.#own) part.dispose();
  }
}

interface RunParts {
  config: ResolvedConfig;
  policy: Policy;
  tokenizer: ChatTokenizer;
  train: CountedLoader<Row>;
  optimizer: CountedOptimizer;
  trainer: Trainer;
  totalSteps: number;
  reference?: Pick<Policy, "logProbs"> | undefined;
  rewards?: RewardManager | undefined;
  advantage?: Advantage | undefined;
  policyLoss?: PolicyLoss | undefined;
  /** What was loaded for this run alone. */
  own: readonly { dispose(): void }[];
}

/** Reads the data, makes the parts the algorithm uses, and lets the trainer set itself up. */
export async function buildRun(session: Session, { config }: LoadedConfig, log: (line: string) => void): Promise<LiveRun> {
  const { container, policy, tokenizer } = session;
  const { uses } = registry.get("trainer", config.algorithm.name);
  const trainer = createComponent("trainer", config.algorithm.name, config.algorithm.options, container);
  const { rows, where } = await readRows(config.data.train, rowLimit(config.data.maxSamples));
  const kept = trainer.prepare?.(rows, { config, tokenizer, where, log }) ?? rows;
  const train = new CountedLoader(new SeededLoader(kept, { seed: config.trainer.seed, shuffle: config.data.shuffle }));
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
      reference,
      own,
      optimizer: new CountedOptimizer(createOptimizer(policy, config, totalSteps)),
      rewards: part("rewards", () => session.rewards),
      advantage: part("advantage", () => createComponent("advantage", config.advantage.name, config.advantage.options, container)),
      policyLoss: part("loss", () => createComponent("policyLoss", config.loss.name, config.loss.options, container)),
    },
    log,
  );
  try {
    await trainer.setup(run);
  } catch (error) {
    run.dispose();
    throw error;
  }
  return run;
}

/** Optimizer steps: an epoch ends with the batch that holds its last row; each batch is used `loss.iterations` times. */
export function countSteps({ trainer, loss, algorithm }: ResolvedConfig, rows: number): number {
  const updates = registry.get("trainer", algorithm.name).uses.includes("loss") ? loss.iterations : 1;
  return trainer.maxSteps ?? trainer.epochs * Math.ceil(rows / trainer.batchSize) * updates;
}

function createOptimizer(policy: Policy, { optimizer }: ResolvedConfig, totalSteps: number): AdamW {
  const { schedule, ...options } = optimizer;
  const warmupSteps = schedule.warmupSteps ?? Math.ceil(schedule.warmupRatio * totalSteps);
  return new AdamW(policy.trainable, { ...options, schedule: { name: schedule.name, warmupSteps, totalSteps }, isDecayed });
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

export function rowLimit(maxSamples: number | undefined): { maxSamples?: number } {
  return maxSamples === undefined ? {} : { maxSamples };
}

/** What of a run, besides weights and optimizer, must come back for the next step to be the same. */
export interface RunState {
  rngs: Record<string, string>;
  loader: Json;
  trainer: Json;
}

/** A copy: what the trainer does next does not change it. */
export function captureRun({ streams, train, trainer }: LiveRun): RunState {
  return structuredClone({ rngs: streams.save(), loader: train.state(), trainer: trainer.state() });
}

export function restoreRun({ streams, train, trainer }: LiveRun, state: RunState): void {
  streams.restore(state.rngs);
  train.restore(state.loader);
  trainer.restore(state.trainer);
}
