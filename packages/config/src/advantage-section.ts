/** The `advantage:` section: a registered name, or a function in a file of the user's. */
import { RegistryError, registry } from "@verlet/core";
import { z } from "zod";
import { asComponent, readFlat } from "./components.js";
import type { ComponentContext } from "./components.js";
import { loadCustomAdvantage } from "./custom-advantage.js";
import type { Mapping, Node, Place } from "./node.js";
import { entryOf, only, without } from "./node.js";
import { readSection } from "./read-section.js";
import type { AdvantageChoice } from "./types.js";

const moduleSchema = z.strictObject({ module: z.string().min(1), function: z.string().min(1).optional() });
const moduleKeys = Object.keys(moduleSchema.shape);

/** @param hints help to choose among the functions of a module: the algorithm's name, and that of its usual advantage. */
export async function readAdvantage(
  node: Node | undefined,
  shared: Omit<ComponentContext, "kind" | "label">,
  place: Place,
  hints: readonly string[],
): Promise<AdvantageChoice | undefined> {
  if (!node) {
    const expected = `one of ${registry.names("advantage").join(", ")}`;
    shared.problems.add(place, { what: "advantage is missing", expected });
    return undefined;
  }
  const context: ComponentContext = { ...shared, kind: "advantage", label: "advantage" };
  const mapping = asComponent(node, context);
  if (!mapping) return undefined;
  if (entryOf(mapping, "module") === undefined) return readFlat(mapping, context, z.strictObject({}));
  return readModule(mapping, context, hints);
}

async function readModule(mapping: Mapping, context: ComponentContext, hints: readonly string[]): Promise<AdvantageChoice | undefined> {
  const { label, problems } = context;
  const section = { label, problems, place: mapping.place };
  const choice = readSection(moduleSchema, only(mapping, moduleKeys), section);
  if (!choice) return undefined;
  const { place } = entryOf(mapping, "module")!.node;
  try {
    const custom = await loadCustomAdvantage(choice.module, choice.function, hints, place.folder);
    const options = readSection(custom.entry.options, without(mapping, moduleKeys), { ...section, otherKeys: moduleKeys });
    return options && { name: custom.entry.name, options, module: custom.module, function: custom.function };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    problems.addError(place, error);
    return undefined;
  }
}
