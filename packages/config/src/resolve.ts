/** A tree as written → the complete configuration, or one ConfigError with everything that is wrong. */
import { optionalSections, registry } from "@verlet/core";
import type { Kind, OptionalSection, RegistryEntry } from "@verlet/core";
import { z } from "zod";
import { readAdvantage } from "./advantage-section.js";
import { checkNeeds } from "./check-needs.js";
import { readFlat } from "./components.js";
import type { ComponentContext } from "./components.js";
import { loadListedPlugins } from "./listed-plugins.js";
import { expandShorthand, mergeNodes } from "./merge.js";
import type { Mapping, Node, Place } from "./node.js";
import { entryOf, fromPlain, nearestNode, only, textOf, writtenKey } from "./node.js";
import { loadBuiltins } from "./plugin-loader.js";
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
  rewards: ["rewards", "rewardManager"],
  advantage: ["advantage"],
  loss: ["loss"],
};

/** Stands for a part that the algorithm does not use. */
const unused: ComponentChoice = { name: "", options: {} };

export async function resolveTree(written: Mapping, problems: Problems): Promise<ResolvedConfig> {
  await loadBuiltins();
  const plugins = await loadListedPlugins(written, problems);
  const resolver = new Resolver(written, problems, plugins.failed);
  const config = await resolver.resolve(plugins.specs);
  problems.throwIfAny();
  return config as ResolvedConfig;
}

class Resolver {
  readonly #written: Mapping;
  readonly #trainer: RegistryEntry | undefined;
  /** What was written, over the algorithm's defaults. */
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
    const config: Partial<ResolvedConfig> = {
      plugins,
      algorithm: this.#algorithm(),
      model: this.#section("model", modelSchema),
      data: this.#section("data", dataSchema),
      rollout: this.#section("rollout", rolloutSchema),
      rewards: this.#uses("rewards") ? readRewards(this.#node("rewards"), this.#shared, place) : [],
      rewardManager: this.#uses("rewards") ? this.#flat("rewardManager", "rewardManager", noKeys, DEFAULT_REWARD_MANAGER) : unused,
      advantage: this.#uses("advantage")
        ? await readAdvantage(this.#node("advantage"), this.#shared, place, this.#trainer?.name ?? "")
        : unused,
      loss: this.#uses("loss")
        ? this.#flat("loss", "policyLoss", lossSchema, DEFAULT_LOSS)
        : { ...lossSchema.parse({}), ...unused },
      optimizer: this.#section("optimizer", optimizerSchema),
      trainer: readTrainer(this.#node("trainer"), this.#shared, place),
      backend: readSection(backendSchema, only(this.#root, ["backend"]), { label: "", problems, place })?.backend,
    };
    for (const { path, ...words } of checkNeeds(config)) problems.add(this.#placeOf(path), words);
    return config;
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
    if (node) return readFlat(node, { ...this.#shared, kind: "trainer", label: "algorithm" }, noKeys);
    const expected = `one of ${registry.names("trainer").join(", ")}`;
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
  const node = entryOf(written, "algorithm")?.node;
  const name = node?.type === "mapping" ? textOf(entryOf(node, "name")?.node) : undefined;
  return name === undefined ? undefined : registry.find("trainer", name);
}

function withDefaults(written: Mapping, { name, source, defaults }: RegistryEntry): Mapping {
  const where = `defaults of algorithm ${name} (${source})`;
  const place: Place = { where, folder: written.place.folder, file: where, line: 1, column: 1 };
  return mergeNodes(expandShorthand(fromPlain(defaults, place)), written) as Mapping;
}
