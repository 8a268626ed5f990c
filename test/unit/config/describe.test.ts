import { expect, test } from "vitest";
import { registry, z } from "@verlet/core";
import { explainEntry, planText, resolveConfig, schemaJson } from "@verlet/config";
import type { JsonSchema } from "@verlet/config";
import { parse } from "yaml";
import { keepRegistryClean, rlYaml } from "./helpers.js";

keepRegistryClean();

const properties = (schema: JsonSchema): Record<string, JsonSchema> => schema.properties as Record<string, JsonSchema>;

test("the JSON Schema is draft-07 and names what is registered", () => {
  const schema = schemaJson();
  expect(schema.$schema).toBe("http://json-schema.org/draft-07/schema#");
  expect(schema.required).toEqual(["algorithm", "model", "data"]);
  expect(schema.additionalProperties).toBe(false);
  const [names] = properties(schema).algorithm!.anyOf as JsonSchema[];
  expect(names!.enum).toEqual(registry.names("trainer"));
  expect(properties(properties(schema).rollout!).temperature).toEqual({ type: "number", minimum: 0, default: 1, description: "Of sampling; 0 = greedy." });
  expect(JSON.stringify(schema)).not.toContain(String(Number.MAX_SAFE_INTEGER));
});

test("the JSON Schema takes what loads and refuses what does not", async () => {
  const schema = z.fromJSONSchema(schemaJson());
  const takes = (yaml: string): boolean => schema.safeParse(parse(yaml)).success;
  expect(takes(rlYaml)).toBe(true);
  expect(takes((await resolveConfig(rlYaml)).yaml())).toBe(true);
  expect(takes(`${rlYaml}advantage: { module: ./a.ts, epsilon: 1 }\nextends: ./base.yaml\n`)).toBe(true);
  expect(takes(`${rlYaml}loss: { name: test-clip, clipLow: 0.1, klCoef: 0.1 }\n`)).toBe(true);
  for (const wrong of [
    `${rlYaml}loss: { name: test-clip, clipMid: 0.1 }\n`,
    `${rlYaml}loss: { clipLow: 0.1, klCoef: -1, name: test-clip }\n`,
    `${rlYaml}sede: 3\n`,
    `${rlYaml}rollout: { topP: 0 }\n`,
    rlYaml.replace("test-rl", "test-lr"),
    rlYaml.replace("[test-exact]", "[]"),
  ]) {
    expect(takes(wrong), wrong).toBe(false);
  }
});

test("explain: each option with type, default and description", () => {
  const options = z.strictObject({
    clipLow: z.number().gt(0).max(1).default(0.2).describe("Lower bound."),
    mode: z.enum(["a", "b"]).optional(),
    pattern: z.string().regex(/^x/),
    names: z.array(z.union([z.string(), z.int().min(1)])).default([]),
    critic: z.strictObject({ rate: z.number().default(0.1).describe("Of the critic.") }).prefault({}).describe("A group."),
  });
  expect(explainEntry({ options })).toEqual([
    { option: "clipLow", type: "number > 0, ≤ 1", default: "0.2", description: "Lower bound." },
    { option: "mode", type: '"a" | "b"', default: "optional", description: "" },
    { option: "pattern", type: "string /^x/", default: "required", description: "" },
    { option: "names", type: "(string | integer ≥ 1)[]", default: "[]", description: "" },
    { option: "critic.rate", type: "number", default: "0.1", description: "Of the critic." },
  ]);
  expect(explainEntry(registry.get("reward", "test-exact"))).toHaveLength(1);
});

test("the plan names each role, its file, its options, and the caller's lines", async () => {
  const loaded = await resolveConfig(rlYaml.replace("path: ./model", "path: ./model, lora: { r: 4 }"));
  const lines = planText(loaded, [{ role: "backend", text: "wasm, 1 thread" }]).split("\n");
  const source = "test/unit/config/helpers.ts";
  expect(lines.slice(0, 5)).toEqual([
    "Plan",
    `  algorithm       test-rl  (${source})`,
    "                  maxRefills=2",
    `  reward          test-exact  (${source})`,
    "                  weight=1 timeout=60 onError=raise tolerance=0",
  ]);
  expect(lines).toContain(`  advantage       test-advantage  (${source})`);
  const loss = lines[lines.indexOf(`  policy loss     test-clip  (${source})`) + 1]!;
  expect(loss).toMatch(/^ {18}aggregation=token-mean klCoef=0\.01 .*clipLow=0\.2 clipHigh=0\.28$/);
  expect(lines).toContain("                  init=pretrained computeDtype=float32 baseDtype=float32 lora={r=4 alpha=32 dropout=0.05 targetModules=all-linear rslora=false dora=false}");
  expect(lines.at(-1)).toBe("  backend         wasm, 1 thread");
});
