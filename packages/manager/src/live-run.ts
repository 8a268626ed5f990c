import type { Advantage, ChatTokenizer, Json, Needs, Policy, PolicyLoss, RewardManager, Rng, Row, Run, Trainer } from "@verlet/core";
import type { ResolvedConfig } from "@verlet/config";
import { KlController } from "@verlet/rl";
import type { CompanionModels } from "./companion-models.js";
import type { CountedLoader } from "./counted-loader.js";
import type { CountedOptimizer } from "./counted-optimizer.js";
import { RngStreams } from "./rng-streams.js";
import type { RunShape } from "./run-memory.js";
import { StepTimes, timedPolicy, timedRewards } from "./step-times.js";

/** One run of an algorithm over its data: what trainers see (`Run`), and what the loop needs besides. */
export class LiveRun implements Run {
  readonly config: ResolvedConfig;
  readonly policy: Policy;
  readonly tokenizer: ChatTokenizer;
  readonly reference?: Pick<Policy, "logProbs">;
  readonly train: CountedLoader<Row>;
  readonly optimizer: CountedOptimizer;
  readonly companions: CompanionModels;
  readonly rewards?: RewardManager;
  readonly advantage?: Advantage;
  readonly advantageNeeds: Needs;
  readonly kl: KlController;
  readonly policyLoss?: PolicyLoss;
  readonly trainer: Trainer;
  readonly totalSteps: number;
  /** What its memory depends on; not known of models that a script brings. */
  shape: RunShape | undefined;
  readonly streams: RngStreams;
  /** Where the time of the step goes. */
  readonly times = new StepTimes();
  /** The optimizer step about to be taken, from 1. */
  step = 1;
  signal: AbortSignal = new AbortController().signal;
  readonly #log: (line: string) => void;
  readonly #own: readonly { dispose(): void }[];

  constructor(parts: RunParts, log: (line: string) => void) {
    this.config = parts.config;
    this.policy = timedPolicy(parts.policy, this.times);
    this.tokenizer = parts.tokenizer;
    this.train = parts.train;
    this.optimizer = parts.optimizer;
    this.companions = parts.companions;
    this.trainer = parts.trainer;
    this.totalSteps = parts.totalSteps;
    this.shape = parts.shape;
    this.streams = new RngStreams(parts.config.trainer.seed);
    this.reference = parts.reference;
    this.rewards = parts.rewards && timedRewards(parts.rewards, this.times);
    this.advantage = parts.advantage;
    this.advantageNeeds = parts.advantageNeeds;
    this.kl = new KlController(parts.config.loss);
    this.policyLoss = parts.policyLoss;
    this.#log = log;
    this.#own = parts.own;
  }

  /** Optimizer updates begun so far, those of companions included: while there are no more, all weights are as they were. */
  get updates(): number {
    return this.companions.all.reduce((sum, { optimizer }) => sum + optimizer.updates, this.optimizer.updates);
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
    this.companions.dispose();
    for (const part of this.#own) part.dispose();
  }
}

export interface RunParts {
  config: ResolvedConfig;
  policy: Policy;
  tokenizer: ChatTokenizer;
  train: CountedLoader<Row>;
  optimizer: CountedOptimizer;
  companions: CompanionModels;
  trainer: Trainer;
  totalSteps: number;
  shape: RunShape | undefined;
  reference?: Pick<Policy, "logProbs">;
  rewards?: RewardManager;
  advantage?: Advantage;
  advantageNeeds: Needs;
  policyLoss?: PolicyLoss;
  /** What was loaded for this run alone. */
  own: readonly { dispose(): void }[];
}

/** What of a run, besides weights and optimizer, must come back for the next step to be the same. */
export interface RunState {
  rngs: Record<string, string>;
  loader: Json;
  kl: Json;
  trainer: Json;
}

/** A copy: what the trainer does next does not change it. */
export function captureRun({ streams, train, kl, trainer }: LiveRun): RunState {
  return structuredClone({ rngs: streams.save(), loader: train.state(), kl: kl.state(), trainer: trainer.state() });
}

export function restoreRun({ streams, train, kl, trainer }: LiveRun, state: RunState): void {
  streams.restore(state.rngs);
  train.restore(state.loader);
  kl.restore(state.kl);
  trainer.restore(state.trainer);
}
