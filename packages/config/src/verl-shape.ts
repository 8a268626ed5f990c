/** Tells files in VERL's shape from verlet's own. */
import type { Mapping } from "./node.js";
import { entryOf, writtenKey } from "./node.js";

/** Sections that only VERL has. */
const sections = ["actor_rollout_ref", "reward_model", "custom_reward_function"];
/** Keys that only VERL has, in the sections that both have. */
const keys: readonly (readonly [section: string, key: string])[] = [
  ["algorithm", "adv_estimator"],
  ["data", "train_files"],
  ["verifier", "reward_coef"],
  ["trainer", "total_epochs"],
  ["trainer", "default_local_dir"],
];

export function isVerlShape(root: Mapping): boolean {
  if (sections.some((section) => writtenKey(root, section) !== undefined) || hasVerlVerifier(root)) return true;
  return keys.some(([section, key]) => {
    const node = entryOf(root, section)?.node;
    return node?.type === "mapping" && writtenKey(node, key) !== undefined;
  });
}

/** VERL's has a type and a port; verlet's own is a reward, by its name or its module. */
function hasVerlVerifier(root: Mapping): boolean {
  const verifier = entryOf(root, "verifier")?.node;
  return verifier?.type === "mapping" && !["name", "module"].some((key) => entryOf(verifier, key));
}
