import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ConfigError, kindLabels, registry } from "@verlet/core";
import { findPreset, loadBuiltins } from "@verlet/config";
import type { JsonFlag } from "../options.js";
import { print, printJson, styles } from "../output.js";
import { parseTemplateKind, renderPart, templateKinds } from "../part-template.js";

export interface NewFlags extends JsonFlag {
  dir: string;
}

/** What a part's test imports besides verlet. */
const testPackages = ["vitest", "@verlet/testing"];

export async function newPart(kindText: string, name: string, { dir, json }: NewFlags): Promise<void> {
  const template = parseTemplateKind(kindText);
  const kind = templateKinds[template];
  const { files, yaml } = renderPart(template, name);
  await loadBuiltins();
  const taken = registry.find(kind, name)?.source ?? (kind === "trainer" ? findPreset(name)?.source : undefined);
  if (taken !== undefined) {
    throw new ConfigError({ where: `${kindLabels[kind]} ${name}`, what: "the name is taken", got: `the one in ${taken}`, expected: "a name of its own", fix: "Take another name" });
  }
  const written = files.map(([file, text]) => ({ path: join(dir, file), text }));
  const present = written.filter(({ path }) => existsSync(path));
  if (present.length > 0) throw new ConfigError(present.map(({ path }) => ({ where: path, what: "nothing is overwritten", got: "a file that exists", expected: "a new one", fix: "Take another name or another --dir" })));
  await mkdir(dir, { recursive: true });
  for (const { path, text } of written) await writeFile(path, text, { flag: "wx" });
  const [plugin, test] = written.map(({ path }) => path);
  const missing = testPackages.filter((packageName) => !isInstalled(packageName, resolve(dir)));
  if (json) {
    printJson({ kind, name, plugin, test, yaml, missing });
    return;
  }
  const { bold } = styles();
  print(`${bold(plugin!)}  a working ${kindLabels[kind]} to start from`);
  print(`${bold(test!)}  what every ${kindLabels[kind]} must do, and a case by hand`);
  print(`\nTest it\n${missing.length > 0 ? `  npm install --save-dev ${missing.join(" ")}\n` : ""}  npx vitest run ${test}`);
  print(`\nIn a YAML beside it\n${yaml.replaceAll(/^/gm, "  ")}`);
}

/** Whether a file in the folder can import the package. */
function isInstalled(packageName: string, folder: string): boolean {
  const parent = dirname(folder);
  return existsSync(join(folder, "node_modules", packageName, "package.json")) || (parent !== folder && isInstalled(packageName, parent));
}
