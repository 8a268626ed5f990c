/** The `trainer:` section: numbers, folders, and the loggers by name. */
import { registry } from "@verlet/core";
import { z } from "zod";
import { listItems, readFlat } from "./components.js";
import type { ComponentContext } from "./components.js";
import { expandShorthand } from "./merge.js";
import type { Node, Place } from "./node.js";
import { entryOf, fromPlain, without } from "./node.js";
import { readSection } from "./read-section.js";
import { DEFAULT_LOGGERS, trainerSchema } from "./sections.js";
import type { ResolvedTrainerSection } from "./types.js";

export function readTrainer(
  node: Node | undefined,
  shared: Omit<ComponentContext, "kind" | "label">,
  place: Place,
): ResolvedTrainerSection | undefined {
  const { problems } = shared;
  const mapping = node?.type === "mapping" ? node : undefined;
  const rest = mapping ? without(mapping, ["loggers"]) : node;
  const section = readSection(trainerSchema, rest, { label: "trainer", problems, place, otherKeys: ["loggers"] });
  const defaults = expandShorthand(fromPlain([...DEFAULT_LOGGERS], place), ["trainer", "loggers"]);
  const written = (mapping && entryOf(mapping, "loggers")?.node) ?? defaults;
  const loggers = listItems(written, "trainer.loggers", `a list of ${registry.names("logger").join(", ")}`, problems)?.map(
    (item, index) => readFlat(item, { ...shared, kind: "logger", label: `trainer.loggers[${index}]` }, z.strictObject({})),
  );
  return section && loggers?.every((logger) => logger !== undefined) ? { ...section, loggers } : undefined;
}
