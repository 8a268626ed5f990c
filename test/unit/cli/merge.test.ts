import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeFloats, readSafetensors } from "@verlet/model";
import { expect, test } from "vitest";
import { Arrays, fixture, maxDifference } from "../../helpers/fixtures.js";
import { output, verlet } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-merge-"));
const base = fixture("models/qwen3");
const adapter = fixture("lora/qwen3-lora");

test("merged weights are PEFT's, the tokenizer comes along, and a second merge overwrites nothing", async () => {
  const merged = join(folder, "merged");
  const args = ["merge", "--model", base, "--adapter", adapter, "--output", merged, "--backend", "wasm"];
  expect(JSON.parse(await output([...args, "--json"]))).toEqual({ model: base, adapter, output: merged, dtype: null });
  expect(readdirSync(merged).sort()).toEqual(["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]);

  const expected = await Arrays.read("lora/qwen3-lora/expected.safetensors");
  const weights = await readSafetensors(join(merged, "model.safetensors"));
  const names = expected.names.filter((name) => name.startsWith("merged."));
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const { data, dtype } = weights.get(name.slice("merged.".length))!;
    expect(maxDifference(decodeFloats(data, dtype), expected.floats(name)), name).toBeLessThan(1e-5);
  }

  const again = await verlet(args);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain(`error [--output ${merged}] the folder is not empty: got config.json, `);
});

test("--dtype sets the format of the weights", async () => {
  const merged = join(folder, "half");
  await output(["merge", "--model", base, "--adapter", adapter, "--output", merged, "--backend", "wasm", "--dtype", "bfloat16"]);
  const weights = await readSafetensors(join(merged, "model.safetensors"));
  expect(new Set([...weights.values()].map(({ dtype }) => dtype))).toEqual(new Set(["BF16"]));
});

test("an adapter's folder stands for its base and itself; a base that is not here is named", async () => {
  // The fixture's adapter_config.json says models/qwen3, seen from the folder of all fixtures.
  const found = join(folder, "found");
  await output(["merge", "--model", "lora/qwen3-lora", "--output", found, "--backend", "wasm"], { cwd: fixture("") });
  expect(readdirSync(found)).toContain("model.safetensors");

  const lost = await verlet(["merge", "--model", adapter, "--output", join(folder, "lost")], { cwd: folder });
  expect(lost.code).toBe(1);
  expect(lost.stderr).toContain("the adapter's base model is not here: got models/qwen3, which is no model folder seen from ");
  expect(lost.stderr).toContain(`Name it: --model <its folder> --adapter ${adapter}.`);

  const nothing = await verlet(["merge", "--model", base, "--output", join(folder, "nothing")]);
  expect(nothing.code).toBe(2);
  expect(nothing.stderr).toContain("error: nothing to merge; give --adapter <folder>");
});
