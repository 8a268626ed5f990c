import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "@verlet/config";
import { expect, test } from "vitest";
import { layoutOf } from "../../packages/cli/dist/quickstart/layout.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

const yamls = ["configs", "examples"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(folder, name)),
);

test("there are configs", () => expect(yamls.length).toBeGreaterThanOrEqual(3));

test.each(yamls)("%s resolves, and its first line is the command that runs it", async (name) => {
  const [first] = readFileSync(join(root, name), "utf8").split("\n");
  expect(first).toBe(`# npx verlet train ${name}`);
  const { config } = await loadConfig(join(root, name));
  expect(config.algorithm.name).not.toBe("");
});

test("the quickstart's YAMLs name the files that the quickstart makes", async () => {
  const layout = layoutOf(resolve("output/quickstart"));
  const sft = (await loadConfig(join(root, "configs/quickstart-sft.yaml"))).config;
  const grpo = (await loadConfig(join(root, "configs/quickstart-grpo.yaml"))).config;
  const paths = [sft.model.path, sft.data.train, sft.trainer.outputDir, grpo.model.path, grpo.data.train, grpo.data.eval, grpo.trainer.outputDir] as string[];
  const made = [layout.model, join(layout.data, "sft.jsonl"), layout.sft, layout.sft, join(layout.data, "rl.jsonl"), join(layout.data, "test.jsonl"), layout.grpo];
  expect(paths.map((path) => relative(root, resolve(path)))).toEqual(made.map((path) => relative(root, path)));
});
