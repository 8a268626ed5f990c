/** A tree as written → the complete configuration, or one ConfigError with everything that is wrong. */
import { optionalSections, registry } from "@verlet/core";
import type { Kind, OptionalSection, RegistryEntry } from "@verlet/core";
import { z } from "zod";
import { readAdvantage } from "./advantage-section.js";
import { checkNeeds } from "./check-needs.js";
import { readFlat } from "./components.js";
import type { ComponentContext } from "./components.js";
import { loadListedPlugins } from "./listed-plugins.js";
import { algorithmOf } from "./layers.js";
import { expandShorthand, mergeNodes } from "./merge.js";
import type { Mapping, Node, Place } from "./node.js";
import { entryOf, fromPlain, nearestNode, only, textOf, writtenKey } from "./node.js";
import { loadBuiltins } from "./plugin-loader.js";
import { presetNames } from "./presets.js";
import type { Preset } from "./presets.js";
import type { Problems } from "./problems.js";
import { readSection } from "./read-section.js";
import { readRewards } from "./rewards-section.js";
import {
  DEFAULT_LOSS,
  DEFAULT_REWARD_MANAGER,
  backendNames,
  dataSchema,
  lossSchema,
  modelSchema,
  optimizerSchema,
  rolloutSchema,
} from "./sections.js";
import { readTrainer } from "./trainer-section.js";
import type { ComponentChoice, ResolvedConfig } from "./types.js";

const anything = z.unknown().optional();
/** Every key at the top; `extends` is gone by the time this is read. */
const topSchema = z.strictObject({
  algorithm: anything,
  plugins: anything,
  model: anything,
  data: anything,
  rollout: anything,
  rewards: anything,
  verifier: anything,
  rewardManager: anything,
  advantage: anything,
  loss: anything,
  optimizer: anything,
  trainer: anything,
  backend: anything,
});
const backendSchema = z.strictObject({ backend: z.enum(backendNames).default("auto") });
const noKeys = z.strictObject({});

/** The keys that go with each optional section. */
const keysOf: Readonly<Record<OptionalSection, readonly string[]>> = {
  rollout: ["rollout"],
  rewards: ["rewards", "verifier", "rewardManager"],
  advantage: ["advantage"],
  loss: ["loss"],
};

/** Stands for a part that the algorithm does not use. */
const unused: ComponentChoice = { name: "", options: {} };

/** @param preset the one whose keys are in the tree already */
export async function resolveTree(written: Mapping, problems: Problems, preset?: Preset): Promise<ResolvedConfig> {
  await loadBuiltins();
  const plugins = await loadListedPlugins(written, problems);
  if (preset) refuseClash(preset, written, problems);
  const resolver = new Resolver(written, problems, plugins.failed);
  const config = await resolver.resolve(plugins.specs);
  problems.throwIfAny();
  return config as ResolvedConfig;
}

class Resolver {
  readonly #written: Mapping;
  readonly #trainer: RegistryEntry | undefined;
  /** What was written, over the defaults of the policy loss and the algorithm. */
  readonly #root: Mapping;
  readonly #shared: Omit<ComponentContext, "kind" | "label">;

  constructor(written: Mapping, problems: Problems, pluginsFailed: boolean) {
    this.#written = written;
    this.#trainer = trainerOf(written);
    this.#root = this.#trainer ? withDefaults(written, this.#trainer) : written;
    this.#shared = { problems, pluginsFailed };
  }

  /** Lacks a section only where a problem was added. */
  async resolve(plugins: string[]): Promise<Partial<ResolvedConfig>> {
    const { problems } = this.#shared;
    const { place } = this.#root;
    readSection(topSchema, this.#written, { label: "", problems, place, otherKeys: ["extends"] });
    this.#refuseUnused();
    const verifier = this.#uses("rewards") ? this.#node("verifier") : undefined;
    const config: Partial<ResolvedConfig> = {
      plugins,
      algorithm: this.#algorithm(),
      model: this.#section("model", modelSchema),
      data: this.#section("data", dataSchema),
      rollout: this.#section("rollout", rolloutSchema),
      rewards: this.#uses("rewards") ? await readRewards(this.#node("rewards"), verifier, this.#shared, place) : [],
      rewardManager: this.#uses("rewards") ? this.#flat("rewardManager", "rewardManager", noKeys, DEFAULT_REWARD_MANAGER) : unused,
      advantage: this.#uses("advantage")
        ? await readAdvantage(this.#node("advantage"), this.#shared, place, this.#advantageHints())
        : unused,
      loss: this.#uses("loss")
        ? this.#flat("loss", "policyLoss", lossSchema, DEFAULT_LOSS)
        : { ...lossSchema.parse({}), ...unused },
      optimizer: this.#section("optimizer", optimizerSchema),
      trainer: readTrainer(this.#node("trainer"), this.#shared, place),
      backend: readSection(backendSchema, only(this.#root, ["backend"]), { label: "", problems, place })?.backend,
    };
    for (const { path, ...words } of checkNeeds(config)) problems.add(this.#placeOf(path), words);
    return { ...config, ...(verifier && { verifier: config.rewards?.at(-1)?.name }) };
  }

  /** What the function's name in a module of the user's may hold: PPO's estimator is called gae. */
  #advantageHints(): string[] {
    if (!this.#trainer) return [];
    const { name, defaults } = this.#trainer;
    const usual = expandShorthand(fromPlain(defaults, this.#root.place)) as Mapping;
    const advantage = entryOf(usual, "advantage")?.node;
    const other = advantage?.type === "mapping" ? textOf(entryOf(advantage, "name")?.node) : undefined;
    return [name, ...(other === undefined ? [] : [other])];
  }

  #node(key: string): Node | undefined {
    return entryOf(this.#root, key)?.node;
  }

  /** With an unknown algorithm, whatever is written is read, for its own errors. */
  #uses(section: OptionalSection): boolean {
    return this.#trainer?.uses.includes(section) ?? this.#node(section) !== undefined;
  }

  #algorithm(): ComponentChoice | undefined {
    const node = entryOf(this.#written, "algorithm")?.node;
    if (node) return readFlat(node, { ...this.#shared, kind: "trainer", label: "algorithm", also: { label: "presets", names: presetNames() } }, noKeys);
    const expected = `one of ${registry.names("trainer").join(", ")}, or of the presets ${presetNames().join(", ")}`;
    this.#shared.problems.add(this.#written.place, { what: "algorithm is missing", expected });
    return undefined;
  }

  #refuseUnused(): void {
    if (!this.#trainer) return;
    const { name, uses } = this.#trainer;
    const read = ["model", "data", ...uses, "optimizer", "trainer"].join(", ");
    for (const key of optionalSections.filter((section) => !uses.includes(section)).flatMap((section) => keysOf[section])) {
      const written = entryOf(this.#written, key);
      if (!written) continue;
      this.#shared.problems.add(written.place, {
        what: `algorithm ${name} does not use \`${key}\``,
        expected: `only the sections it reads: ${read}`,
        fix: `Take \`${key}\` out`,
      });
    }
  }

  #section<S extends z.ZodObject>(key: string, schema: S): z.output<S> | undefined {
    return readSection(schema, this.#node(key), { label: key, problems: this.#shared.problems, place: this.#root.place });
  }

  #flat<S extends z.ZodObject>(key: string, kind: Kind, section: S, fallback: string): (ComponentChoice & z.output<S>) | undefined {
    const node = this.#node(key) ?? { type: "mapping", place: this.#root.place, entries: new Map() };
    return readFlat(node, { ...this.#shared, kind, label: key }, section, fallback);
  }

  #placeOf(path: readonly (string | number)[]): Place {
    let node: Node = this.#root;
    for (const key of path) node = nearestNode(node, [node.type === "mapping" ? (writtenKey(node, String(key)) ?? key) : key]);
    return node.place;
  }
}

function trainerOf(written: Mapping): RegistryEntry | undefined {
  const name = algorithmOf(written);
  return name === undefined ? undefined : registry.find("trainer", name);
}

/** A plugin's algorithm under a preset's name could never be reached. */
function refuseClash({ name }: Preset, written: Mapping, problems: Problems): void {
  const trainer = registry.find("trainer", name);
  if (!trainer) return;
  problems.add(entryOf(written, "algorithm")!.place, {
    what: `algorithm ${name} is a preset`,
    got: `an algorithm of that name from ${trainer.source} too`,
    expected: "one meaning for each name",
    fix: "Register the algorithm under another name",
  });
}

/** What was written, over the defaults of its policy loss, over those of its algorithm. */
function withDefaults(written: Mapping, trainer: RegistryEntry): Mapping {
  const base = defaultsOf(trainer, "algorithm", written);
  const root = mergeNodes(base, written) as Mapping;
  const loss = trainer.uses.includes("loss") ? lossOf(root) : undefined;
  if (!loss || Object.keys(loss.defaults).length === 0) return root;
  return mergeNodes(mergeNodes(base, defaultsOf(loss, "policy loss", written)), written) as Mapping;
}

function lossOf(root: Mapping): RegistryEntry | undefined {
  const node = entryOf(root, "loss")?.node;
  const name = node?.type === "mapping" ? textOf(entryOf(node, "name")?.node) : undefined;
  return registry.find("policyLoss", name ?? DEFAULT_LOSS);
}

function defaultsOf({ name, source, defaults }: RegistryEntry, kind: string, { place: { folder } }: Mapping): Node {
  const where = `defaults of ${kind} ${name} (${source})`;
  return expandShorthand(fromPlain(defaults, { where, folder, file: where, line: 1, column: 1 }));
}
