import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { schemaJson } from "@verlet/config";
import type { JsonFlag } from "../options.js";
import { note, print } from "../output.js";
import { loadParts } from "../parts.js";

export interface SchemaFlags extends JsonFlag {
  plugins?: string[];
  output?: string;
}

export async function schema({ plugins, output, json }: SchemaFlags): Promise<void> {
  await loadParts(plugins);
  const text = JSON.stringify(schemaJson(), undefined, json ? undefined : 2);
  if (output === undefined) {
    print(text);
    return;
  }
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, `${text}\n`);
  note(`written to ${output}`);
}
