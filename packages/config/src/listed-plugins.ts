/** The `plugins:` section: loaded before anything else is checked, since the names below may come from it. */
import { RegistryError } from "@verlet/core";
import { listItems } from "./components.js";
import { isFileSpec } from "./module-loader.js";
import type { Mapping } from "./node.js";
import { entryOf, showValueOf, textOf } from "./node.js";
import { loadPlugin } from "./plugin-loader.js";
import type { Problems } from "./problems.js";

export interface ListedPlugins {
  /** Package names, and files with their full path. */
  specs: string[];
  /** Whether one of them did not load: it may be why a name is unknown. */
  failed: boolean;
}

export async function loadListedPlugins(root: Mapping, problems: Problems): Promise<ListedPlugins> {
  const node = entryOf(root, "plugins")?.node;
  const items = (node && listItems(node, "plugins", "a list of files and packages", problems)) ?? [];
  const specs: string[] = [];
  let failed = false;
  for (const item of items) {
    const spec = textOf(item);
    if (!spec) {
      const expected = "a file such as ./my-rewards.ts, or a package";
      problems.add(item.place, { what: "plugins", got: showValueOf(item), expected });
      continue;
    }
    try {
      const { file } = await loadPlugin(spec, item.place.folder);
      specs.push(isFileSpec(spec) ? file : spec);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      failed = true;
      problems.addError(item.place, error);
    }
  }
  return { specs, failed };
}
