/** The `rewards:` section. */
import { registry } from "@verlet/core";
import { asComponent, findEntry, listItems } from "./components.js";
import type { ComponentContext } from "./components.js";
import type { Node, Place } from "./node.js";
import { camel, entryOf, without } from "./node.js";
import type { Problems } from "./problems.js";
import { readSection } from "./read-section.js";
import { rewardSchema } from "./sections.js";
import type { RewardChoice } from "./types.js";

/** At least one reward, each name once; undefined when something is wrong (and reported). */
export function readRewards(
  node: Node | undefined,
  context: Omit<ComponentContext, "kind" | "label">,
  place: Place,
): RewardChoice[] | undefined {
  const { problems } = context;
  const expected = `a list with at least one of ${registry.names("reward").join(", ")}`;
  if (!node) {
    problems.add(place, { what: "rewards is missing", expected });
    return undefined;
  }
  const items = listItems(node, "rewards", expected, problems);
  if (items?.length === 0) problems.add(node.place, { what: "rewards", got: "an empty list", expected });
  if (!items || items.length === 0) return undefined;
  const rewards = items.map((item, index) => readReward(item, { ...context, kind: "reward", label: `rewards[${index}]` }));
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

/** One element of `rewards:`: `{ name, weight, timeout, onError, options: { … } }`. */
function readReward(node: Node, context: ComponentContext): RewardChoice | undefined {
  const mapping = asComponent(node, context);
  if (!mapping) return undefined;
  const { label, problems } = context;
  const entry = findEntry(mapping, context);
  const optionNames = entry ? Object.keys(entry.options.shape) : [];
  const rest = readSection(rewardSchema, without(mapping, ["name", "options"]), {
    label,
    problems,
    place: mapping.place,
    otherKeys: ["name", "options"],
    hint: (key) => {
      const option = optionNames.find((name) => camel(name) === camel(key));
      return option && `\`${option}\` is an option of ${entry!.name}: write it under \`options:\``;
    },
  });
  const optionsNode = entryOf(mapping, "options")?.node;
  if (!entry) return undefined;
  const options = readSection(entry.options, optionsNode, { label: `${label}.options`, problems, place: mapping.place });
  return rest && options && { name: entry.name, ...rest, options };
}
