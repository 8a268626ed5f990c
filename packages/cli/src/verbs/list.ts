import { listPresets } from "@verlet/config";
import { kindLabels, registry, type Kind } from "@verlet/core";
import type { JsonFlag } from "../options.js";
import { print, printJson, styles, table } from "../output.js";
import { loadParts, originOf, parseKind } from "../parts.js";

export interface ListFlags extends JsonFlag {
  plugins?: string[];
}

export async function list(kindText: string | undefined, { plugins, json }: ListFlags): Promise<void> {
  const kind = kindText === undefined ? undefined : parseKind(kindText);
  await loadParts(plugins);
  const presets = listPresets().map((preset) => ({ kind: "preset" as const, ...preset }));
  const entries = kind === "preset" ? presets : [...registry.list(kind), ...(kind === undefined ? presets : [])];
  if (json) {
    printJson(entries.map(({ kind, name, source, package: packageName, version, doc }) => ({ kind, name, doc, source, package: packageName, version })));
    return;
  }
  if (entries.length === 0) {
    print(`no ${kindLabels[kind as Kind]} is registered`);
    return;
  }
  const { bold } = styles();
  const rows = entries.map((entry) => [entry.kind, entry.name, originOf(entry), entry.doc]);
  const [head, ...body] = table([["kind", "name", "from", "what it does"], ...rows]).split("\n");
  print([bold(head!), ...body].join("\n"));
}
