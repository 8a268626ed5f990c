import { TrainingError, type Companion, type CompanionKind, type CompanionOptions, type Companions, type Critic, type Policy } from "@verlet/core";
import type { ResolvedConfig } from "@verlet/config";
import type { CountedOptimizer } from "./counted-optimizer.js";
import { createOptimizer } from "./create-optimizer.js";
import { setCheckpointing, type ModelSource, type TrainablePolicy } from "./model-source.js";

/** One companion as the manager sees it. */
export interface NamedCompanion<M extends Policy | Critic = Policy | Critic> extends Companion<M> {
  readonly name: string;
  readonly optimizer: CountedOptimizer;
  readonly kind: CompanionKind;
}

/** Names a companion's folder must not have: those of the run's other folders. */
const TAKEN: readonly string[] = ["checkpoints", "rollouts"];

/** Loads, keeps and disposes of the models that are trained beside a run's policy. */
export class CompanionModels implements Companions {
  readonly all: NamedCompanion[] = [];
  readonly #policy: TrainablePolicy;
  readonly #models: ModelSource;
  readonly #config: ResolvedConfig;
  readonly #totalSteps: number;

  constructor({ policy, models }: { policy: TrainablePolicy; models: ModelSource }, config: ResolvedConfig, totalSteps: number) {
    this.#policy = policy;
    this.#models = models;
    this.#config = config;
    this.#totalSteps = totalSteps;
  }

  policyCopy(name: string, options?: CompanionOptions): Promise<Companion<Policy>> {
    const { model, trainer } = this.#config;
    const load = async (): Promise<Policy> => (await this.#models.loadCopy?.(model, trainer.seed, this.#policy)) ?? this.#models.loadPolicy(model, trainer.seed);
    return this.#add(name, "policyCopy", load, options);
  }

  critic(name: string, options?: CompanionOptions): Promise<Companion<Critic>> {
    const { model, trainer, algorithm } = this.#config;
    const load = async (): Promise<Critic> => {
      if (this.#models.loadCritic) return this.#models.loadCritic(model, trainer.seed, this.#policy);
      throw new TrainingError({ where: `algorithm ${algorithm.name}`, what: "the run's own models have no critic", fix: "Give `models` a loadCritic, or take an algorithm without a critic" });
    };
    return this.#add(name, "critic", load, options);
  }

  /** What they are, by name. */
  get kinds(): Readonly<Record<string, CompanionKind>> {
    return Object.fromEntries(this.all.map(({ name, kind }) => [name, kind]));
  }

  dispose(): void {
    for (const { model, optimizer } of this.all.splice(0)) {
      optimizer.dispose();
      model.dispose();
    }
  }

  async #add<M extends Policy | Critic>(name: string, kind: CompanionKind, load: () => Promise<M>, options?: CompanionOptions): Promise<NamedCompanion<M>> {
    if (!/^[a-z][a-z0-9-]*$/.test(name) || TAKEN.includes(name) || this.all.some((other) => other.name === name)) {
      throw new TrainingError({
        where: `algorithm ${this.#config.algorithm.name}`,
        what: "a model beside the policy has no name of its own",
        got: name,
        expected: `a word in lower case, and none of ${[...TAKEN, ...this.all.map((other) => other.name)].join(", ")}`,
      });
    }
    const model = await load();
    setCheckpointing(model, this.#config.trainer.gradientCheckpointing);
    const companion = { name, kind, model, optimizer: createOptimizer(model.trainable, this.#config.optimizer, this.#totalSteps, options) };
    this.all.push(companion);
    return companion;
  }
}
