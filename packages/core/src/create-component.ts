/** Makes a registered part from its options, by `new`, by call or by injection. */
import { injectable } from "tsyringe";
import type { DependencyContainer } from "tsyringe";
import type { AdvantageInput, PolicyLossInput, RewardContext, RewardFn, RewardSample } from "./contracts.js";
import type { AdvantageFn, ComponentClass, ComponentFactory, PolicyLossFn } from "./decorators.js";
import { RegistryError, VerletError } from "./errors.js";
import type { Kind, KindMap, RegistryEntry, Target } from "./kinds.js";
import { aKind, kindLabels } from "./kinds.js";
import { describeIssues } from "./option-problems.js";
import { registry } from "./registry.js";
import { OPTIONS, createRunContainer } from "./tokens.js";

type Options = Record<string, unknown>;

/** Methods that a made part must have; of an inner list one is enough. */
const requiredMethods: Readonly<Record<Kind, readonly (string | readonly string[])[]>> = {
  trainingManager: ["train", "evaluate", "save", "load", "dispose"],
  trainer: ["setup", "step", "state", "restore"],
  rewardManager: ["score"],
  reward: [["score", "scoreBatch"]],
  advantage: ["compute"],
  policyLoss: ["tokenLoss"],
  model: ["parseConfig"],
  dataset: ["accepts", "read"],
  logger: ["step"],
};

/**
 * @param options validated with the part's own schema, which also fills in defaults.
 * @param container what a class that asks for tokens is resolved from; OPTIONS is added to a child of it.
 * @throws RegistryError for an unknown name, options that do not fit, or a part that lacks a method of its contract.
 */
export function createComponent<K extends Kind>(
  kind: K,
  name: string,
  options: unknown = {},
  container: DependencyContainer = createRunContainer(),
): KindMap[K] {
  const entry = registry.get(kind, name);
  const made = make(entry, parseOptions(entry, options), container);
  checkMethods(entry, made);
  return made as KindMap[K];
}

/** The options with defaults filled in. @throws RegistryError with every problem. */
export function parseOptions(entry: RegistryEntry, options: unknown): Options {
  const parsed = entry.options.safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  const allowed = Object.keys(entry.options.shape).join(", ") || "none";
  const problems = describeIssues(parsed.error, options).map(({ path, got, expected }) => {
    const at = path.length > 0 ? `${path.join(".")}: ` : "";
    return at + [got && `got ${got}`, expected && `expected ${expected}`].filter(Boolean).join(", ");
  });
  throw new RegistryError({ where: labelOf(entry), what: `wrong options (it takes: ${allowed}): ${problems.join("; ")}` });
}

function make(entry: RegistryEntry, options: Options, container: DependencyContainer): unknown {
  const { target } = entry;
  if (isClass(target)) return construct(entry, target as unknown as ComponentClass<unknown>, options, container);
  switch (entry.kind) {
    case "reward": {
      const score = target as unknown as RewardFn;
      return { score: (sample: RewardSample, context: RewardContext) => score(sample, { ...context, options }) };
    }
    case "advantage": {
      const compute = target as unknown as AdvantageFn;
      return { compute: (input: AdvantageInput) => compute(input, options) };
    }
    case "policyLoss": {
      const tokenLoss = target as unknown as PolicyLossFn;
      return { tokenLoss: (input: PolicyLossInput) => tokenLoss(input, options) };
    }
    default:
      return (target as unknown as ComponentFactory<unknown, Options>)(options, container);
  }
}

/** Some compilers turn classes into functions whose methods sit on the prototype. */
function isClass(target: Target): boolean {
  if (/^class\b/.test(Function.prototype.toString.call(target))) return true;
  const prototype = target.prototype as object | undefined;
  return prototype !== undefined && Object.getOwnPropertyNames(prototype).length > 1;
}

function construct(
  entry: RegistryEntry,
  target: ComponentClass<unknown>,
  options: Options,
  container: DependencyContainer,
): unknown {
  // tsyringe keeps the tokens of `@inject(TOKEN)` parameters here, by position.
  const tokens = (Reflect.getOwnMetadata("injectionTokens", target) as Record<string, unknown> | undefined) ?? {};
  const injected = Object.keys(tokens).length;
  if (injected === 0) return new (target as new (options: Options) => unknown)(options);
  if (injected < target.length) {
    throw new RegistryError({
      where: labelOf(entry),
      what: `${target.name}'s constructor cannot be filled in`,
      got: `@inject on ${injected} of its ${target.length} parameters`,
      expected: "@inject(TOKEN) on every one, or on none",
      fix: "Write `@inject(OPTIONS)` before the options",
    });
  }
  const child = container.createChildContainer();
  child.register(OPTIONS, { useValue: options });
  injectable()(target as new (...args: unknown[]) => unknown);
  try {
    return child.resolve(target as new (...args: unknown[]) => unknown);
  } catch (error) {
    if (error instanceof VerletError) throw error;
    throw new RegistryError({ where: labelOf(entry), what: `it could not be made: ${(error as Error).message}` }, { cause: error });
  }
}

function checkMethods(entry: RegistryEntry, made: unknown): void {
  const has = (method: string): boolean => typeof (made as Record<string, unknown> | null)?.[method] === "function";
  const missing = requiredMethods[entry.kind].filter((need) => (typeof need === "string" ? !has(need) : !need.some(has)));
  if (missing.length === 0) return;
  const names = missing.map((need) => (typeof need === "string" ? `${need}()` : need.map((one) => `${one}()`).join(" or ")));
  throw new RegistryError({
    where: labelOf(entry),
    what: `it is not ${aKind(entry.kind)}`,
    got: `something without ${names.join(", ")}`,
    expected: "the methods of its contract",
    fix: `Add them in ${entry.source}`,
  });
}

function labelOf(entry: RegistryEntry): string {
  return `${kindLabels[entry.kind]} ${entry.name}`;
}
