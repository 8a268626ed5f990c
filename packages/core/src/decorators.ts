/**
 * One decorator per kind. Each marks a class (`@registerReward("x") class …`) or wraps a function
 * (`export const x = registerReward("x")((sample) => …)`) and gives back what it was given.
 */
import { z } from "zod";
import type { DependencyContainer } from "tsyringe";
import { API_VERSION, satisfiesCaret } from "./api-version.js";
import type { AdvantageInput, AdvantageOutput, CompanionKind, LossSection, PolicyLossInput, RewardFn } from "./contracts.js";
import { RegistryError } from "./errors.js";
import type { Kind, KindMap, Needs, OptionalDataKey, OptionalSection, Provision, RegistryEntry, Target } from "./kinds.js";
import { kindLabels } from "./kinds.js";
import { registry } from "./registry.js";
import { callerFile, packageOf } from "./source-file.js";
import type * as tf from "@tensorflow/tfjs";

export interface RegisterMeta<Options> {
  /**
   * The part's options with their defaults, a `z.strictObject({ … })` of plain data without transforms (options are
   * written to config.resolved.yaml and read again); without it the part takes none.
   */
  options?: z.ZodType<Options>;
  needs?: Needs;
  /**
   * Throws where something that the part needs beside the run, such as a package of the user's, is missing. Called before
   * a training loads its model, which may take minutes.
   */
  check?: (options: Options) => void;
  /** One or two sentences for `verlet list` and `verlet explain`. */
  doc?: string;
  /** The contracts it was written for, such as "^1"; another version of verlet refuses it. */
  api?: string;
  /** The file it comes from, where that is not the one that calls the decorator. */
  source?: string;
}

export interface RegisterTrainerMeta<Options> extends RegisterMeta<Options> {
  /** The sections it reads of `rollout`, `rewards`, `advantage` and `loss`; the others may not be written. */
  uses?: readonly OptionalSection[];
  /** The keys it reads of `data.packing` and `data.groupByLength` (which asks for `lengthOf`); the others may not be true. */
  reads?: readonly OptionalDataKey[];
  /** A part of a YAML that fills what the user left out. */
  defaults?: PartOfYaml;
  provides?: readonly Provision[];
  /** The models that `setup` asks `run.companions` for, by name: so their memory is counted before anything is loaded. */
  companions?: Readonly<Record<string, CompanionKind>>;
}

export interface RegisterPolicyLossMeta<Options> extends RegisterMeta<Options> {
  /** Keys of `loss:` that fill what the user left out, over the algorithm's: `{ loss: { aggregation: "seq-mean-token-mean" } }`. */
  defaults?: { readonly loss: Partial<LossSection> };
}

type PartOfYaml = Readonly<Record<string, unknown>>;

/** What each kind may say about itself. */
interface Metas<Options> {
  trainer: RegisterTrainerMeta<Options>;
  policyLoss: RegisterPolicyLossMeta<Options>;
}
type MetaOf<K extends Kind, Options> = K extends keyof Metas<Options> ? Metas<Options>[K] : RegisterMeta<Options>;

/** A class whose instances are such a part, made with `new Class(options)` or by injection. */
export type ComponentClass<T> = new (...args: never[]) => T;
/** A function that makes such a part. */
export type ComponentFactory<T, Options> = (options: Options, container: DependencyContainer) => T;

export type AdvantageFn<Options = Record<string, unknown>> = (input: AdvantageInput, options: Options) => AdvantageOutput;
export type PolicyLossFn<Options = Record<string, unknown>> = (input: PolicyLossInput, options: Options) => tf.Tensor2D;

/** What may be registered as each kind. */
interface Registrable<Options> {
  reward: RewardFn<Options>;
  advantage: AdvantageFn<Options>;
  policyLoss: PolicyLossFn<Options>;
}
type RegistrableAs<K extends Kind, Options> =
  | ComponentClass<KindMap[K]>
  | (K extends keyof Registrable<Options> ? Registrable<Options>[K] : ComponentFactory<KindMap[K], Options>);

export interface Register<K extends Kind> {
  <Options = Record<string, unknown>>(
    name: string,
    meta?: MetaOf<K, Options>,
  ): <T extends RegistrableAs<K, Options>>(target: T) => T;
}

export const registerTrainingManager = makeDecorator("trainingManager");
export const registerTrainer = makeDecorator("trainer");
export const registerRewardManager = makeDecorator("rewardManager");
export const registerReward = makeDecorator("reward");
export const registerAdvantage = makeDecorator("advantage");
export const registerPolicyLoss = makeDecorator("policyLoss");
export const registerModel = makeDecorator("model");
export const registerDataset = makeDecorator("dataset");
export const registerLogger = makeDecorator("logger");

function makeDecorator<K extends Kind>(kind: K): Register<K> {
  return function register(name: string, meta: RegisterTrainerMeta<never> = {}) {
    const source = meta.source ?? callerFile(register);
    const where = `${kindLabels[kind]} ${name}`;
    checkName(where, source, name);
    checkApi(where, source, meta.api);
    const options = strictOptions(where, source, meta.options);
    return <T extends Target>(target: T): T => {
      const { name: packageName, version } = packageOf(source);
      registry.add({
        kind,
        name,
        target,
        options,
        needs: meta.needs ?? {},
        ...(meta.check && { check: meta.check as NonNullable<RegistryEntry["check"]> }),
        uses: meta.uses ?? [],
        reads: meta.reads ?? [],
        defaults: meta.defaults ?? {},
        provides: meta.provides ?? [],
        ...(meta.companions && { companions: meta.companions }),
        source,
        package: packageName,
        version,
        doc: meta.doc ?? "",
      });
      return target;
    };
  } as Register<K>;
}

/** `name` or `pack/name`: letters, digits, `_`, `-` and `.`. */
export const partNamePattern = /^[A-Za-z][\w.-]*(\/[\w.-]+)?$/;

function checkName(where: string, source: string, name: string): void {
  if (partNamePattern.test(name)) return;
  throw new RegistryError({
    where,
    what: `malformed name in ${source}`,
    got: JSON.stringify(name),
    expected: 'a name such as "concise" or "my-pack/concise"',
  });
}

function checkApi(where: string, source: string, range: string | undefined): void {
  if (range === undefined) return;
  const fits = satisfiesCaret(range);
  if (fits) return;
  const got = `api "${range}"`;
  if (fits === undefined) {
    throw new RegistryError({ where, what: `unreadable \`api\` in ${source}`, got, expected: 'a caret range such as "^1"' });
  }
  throw new RegistryError({
    where,
    what: `${source} was written for another version of verlet's plugin API`,
    got,
    expected: `a range that includes ${API_VERSION}`,
    fix: "Update the plugin, or install the verlet it was written for",
  });
}

/** A plain `z.object` drops unknown keys in silence; options never do. */
function strictOptions(where: string, source: string, schema: z.ZodType | undefined): z.ZodObject {
  if (schema === undefined) return z.strictObject({});
  if (schema instanceof z.ZodObject) return schema.def.catchall === undefined ? schema.strict() : schema;
  throw new RegistryError({
    where,
    what: `unusable \`options\` in ${source}`,
    got: `a ${(schema as z.ZodType | undefined)?.def?.type ?? typeof schema} schema`,
    expected: "an object schema such as z.strictObject({ weight: z.number().default(1) })",
  });
}
