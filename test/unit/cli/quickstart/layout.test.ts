import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { layoutOf, prepareFiles } from "../../../../packages/cli/dist/quickstart/layout.js";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "verlet-quickstart-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

test("writes the data and a model folder without weights", async () => {
  const layout = layoutOf(join(folder, "run"));
  await prepareFiles(layout);
  const lines = async (name: string): Promise<number> => (await readFile(join(layout.data, name), "utf8")).trimEnd().split("\n").length;
  expect([await lines("sft.jsonl"), await lines("rl.jsonl"), await lines("test.jsonl")]).toEqual([4000, 1000, 500]);
  expect((await readdir(layout.model)).sort()).toEqual(["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]);
});

test("starts over in the folder of an earlier quickstart", async () => {
  const layout = layoutOf(join(folder, "run"));
  await prepareFiles(layout);
  await mkdir(layout.sft);
  await prepareFiles(layout);
  expect((await readdir(layout.root)).sort()).toEqual([".made-by-quickstart", "data", "model"]);
});

test("leaves a folder alone that it did not make", async () => {
  await writeFile(join(folder, "thesis.txt"), "years of work");
  await expect(prepareFiles(layoutOf(folder))).rejects.toThrow(
    `[${folder}] this folder holds something that the quickstart did not make: got thesis.txt, ` +
      "expected no folder, an empty one, or that of an earlier quickstart. Give another one with --output.",
  );
  expect(await readFile(join(folder, "thesis.txt"), "utf8")).toBe("years of work");
});
