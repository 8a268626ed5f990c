/** A file in VERL's own shape is told apart, so that its user gets one clear answer and not fifty unknown keys. */
import { ConfigError } from "@verlet/core";
import type { Node } from "./node.js";
import { writtenKey } from "./node.js";

/** @throws ConfigError when the file has VERL's `actor_rollout_ref` section. */
export function refuseVerlShape(root: Node): void {
  if (root.type !== "mapping") return;
  const key = writtenKey(root, "actor_rollout_ref");
  if (key === undefined) return;
  throw new ConfigError({
    where: root.entries.get(key)!.place.where,
    what: "this file is in VERL's shape",
    got: `the section \`${key}\``,
    expected: "verlet's own shape (algorithm, model, data, rollout, rewards, advantage, loss, optimizer, trainer)",
    fix: "This version reads only that; move the settings over, `verlet schema` lists every key",
  });
}
