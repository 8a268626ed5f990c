/** The sections `rewards:` and `verifier:`. */
import { RegistryError, registry } from "@verlet/core";
import { z } from "zod";
import { asComponent, findEntry, listItems } from "./components.js";
import type { ComponentContext } from "./components.js";
import { loadCustomReward } from "./custom-reward.js";
import type { CustomReward } from "./custom-reward.js";
import type { Mapping, Node, Place } from "./node.js";
import { camel, entryOf, only, without } from "./node.js";
import type { Problems } from "./problems.js";
import { readSection } from "./read-section.js";
import { rewardSchema } from "./sections.js";
import type { RewardChoice } from "./types.js";

type RewardContext = Omit<ComponentContext, "kind" | "label">;

/**
 * The rewards, the verifier last: at least one, each name once; undefined when something is wrong (and reported).
 * @param verifier a reward of its own section, which decides what is right.
 */
export async function readRewards(node: Node | undefined, verifier: Node | undefined, context: RewardContext, place: Place): Promise<RewardChoice[] | undefined> {
  const rewards = node || !verifier ? await readList(node, context, place) : [];
  if (!verifier) return rewards;
  const last = await readReward(verifier, { ...context, kind: "reward", label: "verifier" });
  const clash = rewards?.findIndex(({ name }) => name === last?.name) ?? -1;
  if (clash >= 0) {
    context.problems.add(verifier.place, { what: "verifier.name", got: `"${last!.name}" a second time`, expected: `each reward once (it is rewards[${clash}] already)`, fix: "Take it out of `rewards`: the verifier is one of them" });
  }
  return rewards && last && clash < 0 ? [...rewards, last] : undefined;
}

async function readList(node: Node | undefined, context: RewardContext, place: Place): Promise<RewardChoice[] | undefined> {
  const { problems } = context;
  const expected = `a list with at least one of ${registry.names("reward").join(", ")}`;
  if (!node) {
    problems.add(place, { what: "rewards is missing", expected });
    return undefined;
  }
  const items = listItems(node, "rewards", expected, problems);
  if (items?.length === 0) problems.add(node.place, { what: "rewards", got: "an empty list", expected });
  if (!items || items.length === 0) return undefined;
  const rewards: (RewardChoice | undefined)[] = [];
  for (const [index, item] of items.entries()) rewards.push(await readReward(item, { ...context, kind: "reward", label: `rewards[${index}]` }));
  if (!rewards.every((reward) => reward !== undefined)) return undefined;
  refuseRepeated(items, rewards, problems);
  return rewards;
}

/** Two rewards of one name would share one metric. */
function refuseRepeated(items: readonly Node[], rewards: readonly RewardChoice[], problems: Problems): void {
  rewards.forEach(({ name }, index) => {
    const first = rewards.findIndex((reward) => reward.name === name);
    if (first === index) return;
    problems.add(items[index]!.place, {
      what: `rewards[${index}].name`,
      got: `"${name}" a second time`,
      expected: `each reward once (it is rewards[${first}] already)`,
    });
  });
}

/** One element of `rewards:`, or the verifier: `{ name, weight, timeout, onError, options: { … } }`, or `module` and `function` in place of the name. */
async function readReward(node: Node, context: ComponentContext): Promise<RewardChoice | undefined> {
  const mapping = asComponent(node, context);
  if (!mapping) return undefined;
  const { label, problems } = context;
  const custom = entryOf(mapping, "module") ? await readModule(mapping, context) : undefined;
  const naming = entryOf(mapping, "module") ? moduleKeys : ["name"];
  const entry = entryOf(mapping, "module") ? custom?.entry : findEntry(mapping, context);
  const optionNames = entry ? Object.keys(entry.options.shape) : [];
  const rest = readSection(rewardSchema, without(mapping, [...naming, "options"]), {
    label,
    problems,
    place: mapping.place,
    otherKeys: [...naming, "options"],
    hint: (key) => {
      const option = optionNames.find((name) => camel(name) === camel(key));
      return option && `\`${option}\` is an option of ${entry!.name}: write it under \`options:\``;
    },
  });
  const optionsNode = entryOf(mapping, "options")?.node;
  if (!entry) return undefined;
  const options = readSection(entry.options, optionsNode, { label: `${label}.options`, problems, place: mapping.place });
  return rest && options && { name: entry.name, ...(custom && { module: custom.module, function: custom.function }), ...rest, options };
}

const moduleSchema = z.strictObject({ module: z.string().min(1), function: z.string().min(1).optional() });
const moduleKeys = Object.keys(moduleSchema.shape);

async function readModule(mapping: Mapping, { label, problems }: ComponentContext): Promise<CustomReward | undefined> {
  const choice = readSection(moduleSchema, only(mapping, moduleKeys), { label, problems, place: mapping.place });
  if (!choice) return undefined;
  const { place } = entryOf(mapping, "module")!.node;
  try {
    return await loadCustomReward(choice.module, choice.function, place.folder);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    problems.addError(place, error);
    return undefined;
  }
}
