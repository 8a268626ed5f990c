import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPreset, listPresets, resolveConfig } from "@verlet/config";
import { registry } from "@verlet/core";
import { beforeAll, describe, expect, test } from "vitest";
import { exampleYaml } from "../../../packages/cli/dist/example-yaml.js";
import { loadParts, parseKind } from "../../../packages/cli/dist/parts.js";
import { output, verlet } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-parts-"));
const plugin = join(folder, "concise.ts");
writeFileSync(
  plugin,
  `import { registerReward, z } from "verlet";
const options = z.strictObject({ limit: z.int().min(1).default(20).describe("Most tokens."), word: z.string() });
registerReward("concise", { options, needs: { leastGroupSize: 2 }, doc: "1 within the limit." })(() => 1);
`,
);

describe("verlet list", () => {
  test("all kinds as JSON: what is registered here, in the same order", async () => {
    await loadParts();
    const entries = JSON.parse(await output(["list", "--json"])) as { kind: string; name: string; source: string; doc: string }[];
    const parts = registry.list().map(({ kind, name }) => `${kind} ${name}`);
    const presets = listPresets().map(({ name }) => `preset ${name}`);
    expect(entries.map(({ kind, name }) => `${kind} ${name}`)).toEqual([...parts, ...presets]);
    for (const { kind, name, source, doc } of entries) {
      expect(source, name).toMatch(kind === "preset" ? /\/presets\/.*\.yaml$/ : /\/dist\/.*\.js$/);
      expect(doc, name).not.toBe("");
    }
  });

  test("one kind in any spelling, with a plugin's part and its file", async () => {
    const lines = (await output(["list", "rewards", "--plugins", plugin])).trimEnd().split("\n");
    expect(lines[0]).toMatch(/^kind +name +from +what it does$/);
    expect(lines.slice(1).every((line) => line.startsWith("reward "))).toBe(true);
    expect(lines.find((line) => line.includes(" concise "))).toMatch(new RegExp(`^reward +concise +${plugin} +1 within the limit\\.$`));
    expect(lines.find((line) => line.includes(" accuracy "))).toMatch(/^reward +accuracy +@verlet\/plugins \d/);
  });

  test.each(["policyLoss", "policy-loss", "policy_losses", "PolicyLoss"])("%s is a kind", (text) => {
    expect(parseKind(text)).toBe("policyLoss");
  });

  test("presets alone", async () => {
    const lines = (await output(["list", "presets"])).trimEnd().split("\n");
    expect(lines.slice(1).map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual(listPresets().map(({ name }) => ["preset", name]));
    expect(lines[1]).toMatch(/ @verlet\/config \d/);
  });

  test("an unknown kind", async () => {
    const { code, stderr } = await verlet(["list", "rewrads"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: unknown kind 'rewrads'\n\(Did you mean reward\?\)\nKinds: trainingManager, trainer, /);
  });
});

describe("verlet explain", () => {
  test("options, needs, source and YAML of a plugin's reward", async () => {
    expect(await output(["explain", "reward", "concise", "--plugins", plugin])).toBe(
      [
        `concise  reward of ${plugin}`,
        "  1 within the limit.",
        "",
        "Options",
        "  name   type         default",
        "  limit  integer ≥ 1  20        Most tokens.",
        "  word   string       required",
        "",
        "Needs",
        "  rollout.numGenerations of at least 2",
        "",
        "Source",
        `  ${plugin}`,
        "",
        "Example",
        "  rewards:",
        "    - name: concise",
        "      weight: 1",
        "      options:",
        "        limit: 20",
        "        word: <string>",
        "",
      ].join("\n"),
    );
  });

  test("as JSON", async () => {
    expect(JSON.parse(await output(["explain", "trainer", "grpo", "--json"]))).toMatchObject({
      kind: "trainer",
      name: "grpo",
      uses: ["rollout", "rewards", "advantage", "loss"],
      source: expect.stringContaining("algorithm-grpo") as string,
    });
  });

  test("an unknown name gets the nearest one", async () => {
    const { code, stderr } = await verlet(["explain", "advantage", "grop"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[advantage grop\] unknown advantage: got "grop", expected one of .*\. Did you mean "grpo"\?/);
  });

  test("a preset's YAML", async () => {
    const { yaml, source } = findPreset("gspo")!;
    const text = await output(["explain", "preset", "gspo"]);
    expect(text).toMatch(/^gspo {2}preset of @verlet\/config \d.*\n\nalgorithm: gspo stands for\n/);
    expect(text.replaceAll(/^ {2}/gm, "")).toContain(`\n${yaml}`);
    expect(JSON.parse(await output(["explain", "preset", "gspo", "--json"]))).toMatchObject({ kind: "preset", name: "gspo", source, keys: { algorithm: "grpo", loss: { name: "gspo" } } });
    const { code, stderr } = await verlet(["explain", "preset", "gsop"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[preset gsop\] unknown preset: got "gsop", expected one of cispo, .*\. Did you mean "gspo"\?\n$/);
  });

  describe("every algorithm's example is a configuration", () => {
    beforeAll(() => loadParts());
    test.each(["sft", "grpo", "dapo"])("%s", async (name) => {
      const { config } = await resolveConfig(exampleYaml(registry.get("trainer", name))!);
      expect(config.algorithm.name).toBe(name);
    });
  });
});

describe("verlet schema", () => {
  interface Schema {
    $schema: string;
    properties: Record<string, unknown>;
  }

  test("a draft-07 schema that knows the plugins' parts, into a file", async () => {
    const file = join(folder, "editor", "verlet.schema.json");
    expect(await output(["schema", "--plugins", plugin, "--output", file])).toBe("");
    const schema = JSON.parse(readFileSync(file, "utf8")) as Schema;
    expect(schema.$schema).toBe("http://json-schema.org/draft-07/schema#");
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(["algorithm", "model", "data", "rollout", "rewards", "advantage", "loss", "optimizer", "trainer", "backend"]));
    expect(JSON.stringify(schema.properties.rewards)).toContain('"concise"');
  });

  test("--json prints one line", async () => {
    const text = await output(["schema", "--json"]);
    expect(text.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.stringify((JSON.parse(text) as Schema).properties.rewards)).not.toContain('"concise"');
  });
});
