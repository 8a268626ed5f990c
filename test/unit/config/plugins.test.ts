import { describe, expect, test } from "vitest";
import { registerReward, registry, createComponent } from "@verlet/core";
import type { RewardContext, RewardSample } from "@verlet/core";
import { loadConfig, loadPlugins } from "@verlet/config";
import { folderWith, keepRegistryClean, problemsOf, rlYaml } from "./helpers.js";

keepRegistryClean();

const sample = { completion: "four" } as RewardSample;
const context: RewardContext = { options: {}, step: 1, signal: new AbortController().signal };
const withPlugins = (list: string, rewards = "[test-exact]"): string =>
  `plugins: ${list}\n${rlYaml.replace("[test-exact]", rewards)}`;

describe("a TypeScript plugin, loaded without a build", () => {
  const plugin = `
import { inject, OPTIONS, registerReward, z } from "@verlet/core";
import type { Reward, RewardSample } from "@verlet/core";
import { scale } from "./helper.js";

interface Options { factor: number }
enum Kind { Plain = 1 }

@registerReward("temporary/length", { options: z.strictObject({ factor: z.number().default(2) }), api: "^1", doc: "Length." })
export class Length implements Reward {
  constructor(@inject(OPTIONS) private readonly options: Options) {}
  score({ completion }: RewardSample): number {
    return scale(completion.length, this.options.factor) * Kind.Plain;
  }
}

export const brief = registerReward("temporary/brief")(({ completion }) => (completion.length < 3 ? 1 : 0));
`;
  const helper = "export const scale = (value: number, factor: number): number => value * factor;\n";

  test("registers in this process's registry, under its .ts path, and its parts work", async () => {
    const folder = folderWith({
      "mine/package.json": JSON.stringify({ name: "mine", version: "3.2.1", type: "module" }),
      "mine/rewards.ts": plugin,
      "mine/helper.ts": helper,
      "mine/run.yaml": withPlugins("[./rewards.ts]", "[{ name: temporary/length, options: { factor: 3 } }, temporary/brief]"),
    });
    const { config } = await loadConfig(`${folder}/mine/run.yaml`);
    expect(config.plugins).toEqual([`${folder}/mine/rewards.ts`]);
    const entry = registry.get("reward", "temporary/length");
    expect(entry).toMatchObject({ source: `${folder}/mine/rewards.ts`, package: "mine", version: "3.2.1", doc: "Length." });
    const [length] = config.rewards;
    // "four" has 4 letters: 4 · 3 = 12
    expect(await createComponent("reward", length!.name, length!.options).score!(sample, context)).toBe(12);
    expect(await createComponent("reward", "temporary/brief").score!(sample, context)).toBe(0);
    // The same file a second time is not a second registration.
    expect((await loadConfig(`${folder}/mine/run.yaml`)).config).toEqual(config);
    expect((await loadPlugins(["./rewards.ts"], `${folder}/mine`))[0]!.entries.map(({ name }) => name)).toEqual([
      "temporary/brief",
      "temporary/length",
    ]);
  });

  test("what it imports from verlet is this copy, wherever the plugin lies", async () => {
    const folder = folderWith({
      "node_modules/@verlet/core/package.json": JSON.stringify({ name: "@verlet/core", version: "9.9.9", main: "x.js" }),
      "node_modules/@verlet/core/x.js": "module.exports = { registerReward() { throw new Error('the wrong copy'); } };",
      "own-copy.ts": `
import { registerReward } from "@verlet/core";
import { registerReward as public_, registry } from "verlet";
if (registerReward !== public_) throw new Error("two copies");
export const r = public_("temporary/own", { doc: String(registry.names("reward").includes("test-exact")) })(() => 1);
`,
      "run.yaml": withPlugins("[./own-copy.ts]"),
    });
    await loadConfig(`${folder}/run.yaml`);
    expect(registry.get("reward", "temporary/own").doc).toBe("true");
  });

  test("a package is found from the YAML's folder", async () => {
    const folder = folderWith({
      "node_modules/temporary-pack/package.json": JSON.stringify({
        name: "temporary-pack",
        version: "1.0.0",
        type: "module",
        exports: { ".": { import: "./main.js" } },
      }),
      "node_modules/temporary-pack/main.js":
        'import { registerReward } from "@verlet/core";\nexport const r = registerReward("temporary-pack/one")(() => 1);\n',
      "run.yaml": withPlugins("[temporary-pack]"),
    });
    const { config } = await loadConfig(`${folder}/run.yaml`);
    expect(config.plugins).toEqual(["temporary-pack"]);
    expect(registry.get("reward", "temporary-pack/one").package).toBe("temporary-pack");
  });

  test("a file that the script itself has imported is not loaded again", async () => {
    const folder = folderWith({ "own.mjs": "export const n = 1; throw new Error('loaded twice');", "run.yaml": withPlugins("[./own.mjs]") });
    registerReward("temporary/by-script")(() => 1);
    const entry = registry.get("reward", "temporary/by-script");
    registry.remove("reward", entry.name);
    registry.add({ ...entry, source: `${folder}/own.mjs` });
    await loadConfig(`${folder}/run.yaml`);
  });
});

describe("a plugin that fails", () => {
  const failing = async (files: Record<string, string>, list: string): Promise<string[]> => {
    const folder = folderWith({ ...files, "run.yaml": withPlugins(list) });
    return problemsOf(loadConfig(`${folder}/run.yaml`), folder);
  };

  test("is missing", async () => {
    expect(await failing({}, "[./nope.ts]")).toEqual([
      "[~/run.yaml:1:11] plugin ./nope.ts: no such file: got ~/nope.ts, expected a .ts or .js file. Paths start from ~.",
    ]);
    expect(await failing({ "mine.ts": "" }, "[mine.ts, temporary-not-installed]")).toEqual([
      '[~/run.yaml:1:11] plugin mine.ts: no such package: got nothing named "mine.ts" in node_modules of ~ or above, expected an installed package, or a file as ./name.ts. Write ./mine.ts for the file.',
      '[~/run.yaml:1:20] plugin temporary-not-installed: no such package: got nothing named "temporary-not-installed" in node_modules of ~ or above, expected an installed package, or a file as ./name.ts. Run npm install temporary-not-installed.',
    ]);
  });

  test("throws: its words and its position", async () => {
    const text = 'type A = { a: number };\n\nexport function f(x: A): void {\n  throw new TypeError(`no ${x.a}`);\n}\nf({ a: 1 });\n';
    expect(await failing({ "bad.ts": text }, "[./bad.ts]")).toEqual([
      "[~/run.yaml:1:11] plugin ./bad.ts: failed while it was loaded: got TypeError: no 1 at ~/bad.ts:4. Correct that file.",
    ]);
  });

  test("cannot be parsed, or imports what is not there", async () => {
    const [syntax, missing] = await failing(
      { "syntax.ts": "const a: number = 1;\nconst b = = 2;\n", "missing.ts": 'import { x } from "./gone.js";\nconsole.log(x);\n' },
      "[./syntax.ts, ./missing.ts]",
    );
    expect(syntax).toMatch(/^\[~\/run\.yaml:1:11\] plugin \.\/syntax\.ts: failed while it was loaded: got .*Unexpected token at ~\/syntax\.ts:2:10\./);
    expect(missing).toMatch(/^\[~\/run\.yaml:1:24\] plugin \.\/missing\.ts: failed while it was loaded: got Cannot find module '\.\/gone\.js' at ~\/missing\.ts:1\./);
  });

  test("registers nothing", async () => {
    expect(await failing({ "idle.ts": "export const a = 1;\n" }, "[./idle.ts]")).toEqual([
      "[~/run.yaml:1:11] plugin ./idle.ts: registers nothing: got ~/idle.ts without a registration, expected at least one @registerReward(…), @registerAdvantage(…), …. Call a register function when the file is loaded, or take it off `plugins:`.",
    ]);
  });

  test("registers a taken name: both files are shown, and what it had registered is taken back", async () => {
    const text =
      'import { registerReward } from "@verlet/core";\nexport const a = registerReward("temporary/first")(() => 1);\nexport const b = registerReward("test-exact")(() => 1);\n';
    expect(await failing({ "taken.ts": text }, "[./taken.ts]")).toEqual([
      expect.stringMatching(
        /^\[~\/run\.yaml:1:11\] plugin \.\/taken\.ts: reward test-exact: the name is taken: got a second registration from ~\/taken\.ts, expected only the one from .*helpers\.ts\. Give one of the two another name\.$/,
      ),
    ]);
    expect(registry.find("reward", "temporary/first")).toBeUndefined();
  });

  test("was built for another API version", async () => {
    const text = 'import { registerReward } from "@verlet/core";\nexport const a = registerReward("temporary/old", { api: "^0.9" })(() => 1);\n';
    expect(await failing({ "old.ts": text }, "[./old.ts]")).toEqual([
      "[~/run.yaml:1:11] plugin ./old.ts: reward temporary/old: ~/old.ts was written for another version of verlet's plugin API: got api \"^0.9\", expected a range that includes 1.0.0. Update the plugin, or install the verlet it was written for.",
    ]);
  });

  test("is named as the likely reason for an unknown name", async () => {
    const folder = folderWith({ "run.yaml": withPlugins("[./nope.ts]", "[concise]") });
    expect(await problemsOf(loadConfig(`${folder}/run.yaml`), folder)).toEqual([
      expect.stringContaining("plugin ./nope.ts: no such file"),
      expect.stringMatching(/unknown reward: got "concise", .*It may come from the plugin that did not load\.$/),
    ]);
  });

  test("can be corrected and loaded again", async () => {
    const folder = folderWith({ "a.ts": "throw new Error('not yet');\n" });
    expect(await problemsOf(loadPlugins(["./a.ts"], folder), folder)).toEqual([
      "[plugin ./a.ts] failed while it was loaded: got not yet at ~/a.ts:1. Correct that file.",
    ]);
    const { writeFileSync } = await import("node:fs");
    writeFileSync(`${folder}/a.ts`, 'import { registerReward } from "@verlet/core";\nexport const a = registerReward("temporary/again")(() => 1);\n');
    expect((await loadPlugins(["./a.ts"], folder))[0]!.entries).toHaveLength(1);
  });
});
