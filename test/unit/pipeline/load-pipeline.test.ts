import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "@verlet/core";
import { loadPipeline, stageKinds } from "@verlet/pipeline";
import { expect, test } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fakeStages, loadFakes, three, writePipeline, type StageText } from "./fake-stages.js";

const fakes = fakeStages();

/** What is wrong with a pipeline, without the places. */
async function problemsOf(stages: readonly StageText[], more: Record<string, unknown> = {}, overrides: string[] = []): Promise<string[]> {
  const { path } = writePipeline(stages, more);
  const error = await loadFakes(path, fakes, overrides).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message.split("\n").map((line) => line.replace(/^\[[^\]]*pipeline\.yaml:(\d+):\d+\]/, "[line $1]"));
}

test("stages in order, with what the earlier ones leave in place of references to it", async () => {
  const { path, outputDir } = writePipeline([{ name: "a", uses: "fake" }, { name: "b", uses: "fake", reads: ["${stages.a.file}", "${stages.a.place.path}", "${outputDir}/x-${stages.a.file}"] }]);
  const { stages } = await loadFakes(path, fakes);
  const file = join(outputDir, "a/value.txt");
  expect(stages.map(({ name, uses, folder, expect: bounds }) => ({ name, uses, folder, bounds }))).toEqual([
    { name: "a", uses: "fake", folder: join(outputDir, "a"), bounds: {} },
    { name: "b", uses: "fake", folder: join(outputDir, "b"), bounds: {} },
  ]);
  expect(stages[1]!.prepared.files).toEqual([file, file, `${outputDir}/x-${file}`]);
});

test("the pipeline of docs/pipeline.md, beside the documents' sizes", async () => {
  const root = join(import.meta.dirname, "../../..");
  const [, text] = /```yaml\n([^]*?)```/.exec(readFileSync(join(root, "docs/pipeline.md"), "utf8"))!;
  const path = join(tempFolder(), "pipeline.yaml");
  writeFileSync(path, text!.replaceAll("extends: ./", `extends: ${join(root, "configs/documents")}/`));
  const { stages } = await loadPipeline(path);
  expect(stages.map(({ name }) => name)).toEqual(["data", "sft", "check", "grpo", "evaluate", "report"]);
  expect(stages[3]!.prepared.settings).toMatchObject({ model: { path: "Qwen/Qwen3-0.6B", adapter: join("output/pipeline/sft") }, data: { train: join("output/pipeline/data/train.jsonl") }, trainer: { seed: 7, batchSize: 2 } });
});

test("docs/pipeline.md has a row for every kind of stage", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/pipeline.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| .* \| (.*) \| .* \|$/gm)].map(([, name, options]) => [name, [...options!.matchAll(/`(\w+)`/g)].map(([, option]) => option)]);
  expect(rows.slice(1)).toEqual(stageKinds.map(({ name, options }) => [name, Object.keys(options.shape)]));
});

test("overrides name a stage by its name or its place", async () => {
  const { path } = writePipeline(three);
  const { stages } = await loadFakes(path, fakes, ["stages.a.value=5", "stages.1.value=7", "output_dir=elsewhere"]);
  expect(stages.map(({ prepared }) => (prepared.settings as { value: number }).value)).toEqual([5, 7, 1]);
  expect(stages[0]!.folder).toBe(join("elsewhere", "a"));
});

test("an unknown kind of stage, and an unknown option, with the nearest name", async () => {
  expect(await problemsOf([{ name: "a", uses: "fak" }])).toEqual(['[line 4] stages.a.uses: got "fak", expected one of fake. Did you mean `fake`?']);
  expect(await problemsOf([{ name: "a" }])).toEqual(["[line 3] stages.a.uses is missing: expected one of fake."]);
  expect(await problemsOf([{ name: "a", uses: "fake", valu: 3 }])).toEqual(["[line 5] unknown key in stages.a: got `valu`, expected one of reads, value, leaves, listens, name, uses, expect. Did you mean `value`?"]);
  expect(await problemsOf([{ name: "a", uses: "fake", value: "x" }])).toEqual(['[line 5] stages.a.value: got "x", expected a number.']);
  expect(await problemsOf([{ name: "a", uses: "fake" }], { stagse: 1 })).toEqual(["[line 2] unknown key: got `stagse`, expected one of outputDir, config, stages. Did you mean `stages`?"]);
});

test("all that is wrong at once", async () => {
  const problems = await problemsOf([{ name: "a", uses: "fake", value: "x" }, { name: "b", uses: "fake", reads: ["${stages.a.file}"] }, { name: "c", uses: "flake" }]);
  // Nothing is said of b, which refers to a: what is wrong stands there.
  expect(problems).toEqual(['[line 5] stages.a.value: got "x", expected a number.', '[line 11] stages.c.uses: got "flake", expected one of fake. Did you mean `fake`?']);
});

test("a reference to a stage that does not run before, to itself, or to none", async () => {
  expect(await problemsOf([{ name: "a", uses: "fake", reads: ["${stages.b.file}"] }, { name: "b", uses: "fake", reads: ["${stages.a.file}"] }])).toEqual([
    "[line 6] stage b does not run before this one: got ${stages.b.file}, expected no reference, as there is no stage before it. Put the stage that is referred to first.",
  ]);
  expect((await problemsOf([...three.slice(0, 1), { name: "b", uses: "fake", reads: ["${stages.b.file}"] }]))[0]).toContain("stage b does not run before this one: got ${stages.b.file}, expected one of a.");
  expect((await problemsOf([{ name: "first", uses: "fake" }, { name: "b", uses: "fake", reads: ["${stages.frist.file}"] }]))[0]).toContain("there is no such stage: got ${stages.frist.file}, expected one of first. Did you mean `first`?");
  expect((await problemsOf([{ name: "a", uses: "fake", reads: ["${nothing}"] }]))[0]).toContain("${nothing} leads nowhere: got no key nothing, expected stages.<earlier stage>.<output>, or another key of the pipeline.");
});

test("an output that a stage does not have", async () => {
  const b = (text: string): StageText[] => [{ name: "a", uses: "fake" }, { name: "b", uses: "fake", reads: [text] }];
  expect((await problemsOf(b("${stages.a.fiel}")))[0]).toContain("stage a has no such output: got ${stages.a.fiel}, expected one of file, place. Did you mean `file`?");
  expect((await problemsOf(b("${stages.a}")))[0]).toContain("stage a has no such output: got ${stages.a}, expected one of file, place.");
  expect((await problemsOf(b("x/${stages.a.place}")))[0]).toContain("this output is a mapping, which cannot stand within text: got ${stages.a.place}, expected the reference alone, or one of ${stages.a.place.path}.");
  expect((await problemsOf(b("${stages.a.metrics.value}")))[0]).toContain("metrics are known only when that stage has run: got ${stages.a.metrics.value}, expected them under `expect` alone.");
});

test("names: two of one name, one of the pipeline's own folders, one that is no folder's", async () => {
  expect(await problemsOf([{ name: "a", uses: "fake" }, { name: "a", uses: "fake" }])).toEqual(['[line 5] two stages of one name: got "a" a second time, expected each name once.']);
  expect((await problemsOf([{ name: "records", uses: "fake" }]))[0]).toContain('stages.records.name: got "records", expected another name than records and earlier');
  expect((await problemsOf([{ name: "a/b", uses: "fake" }]))[0]).toContain('got "a/b", expected text that matches');
});

test("expectations: a bound that is none, none at all, a stage that comes later", async () => {
  const a = (bounds: unknown): StageText => ({ name: "a", uses: "fake", expect: { value: bounds } });
  expect((await problemsOf([a({ min: "high" })]))[0]).toContain('stages.a.expect.value.min: got "high", expected a number, or ${stages.<name>.metrics.<metric>}.');
  expect((await problemsOf([a({})]))[0]).toContain("expected `min`, `max` or both");
  expect((await problemsOf([a({ least: 1 })]))[0]).toContain("unknown key in stages.a.expect.value: got `least`");
  expect(await problemsOf([a({ min: "${stages.b.metrics.value}" }), { name: "b", uses: "fake" }])).toEqual(["[line 6] stage a compares with a stage that does not run before it: got ${stages.b.metrics.value}, expected a number."]);
});

test("a command line that names no stage", async () => {
  const [problem] = await problemsOf(three, {}, ["stages.d.value=1"]);
  expect(problem).toBe('[command line stages.d.value=1] there is no such stage: got "d", expected one of a, b, c. Did you mean `a`?');
});

test("a file that is no pipeline, or not there", async () => {
  const folder = tempFolder();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  await expect(loadPipeline(file("run.yaml", "algorithm: sft\n"))).rejects.toThrow(/not a pipeline: got a mapping with algorithm, expected a mapping with `stages:`\. For a single run: verlet train /);
  await expect(loadPipeline(file("empty.yaml", ""))).rejects.toThrow(/not a pipeline: got null/);
  await expect(loadPipeline(file("none.yaml", "stages: []\n"))).rejects.toThrow(/stages: got an empty list, expected at least 1 element/);
  await expect(loadPipeline(file("text.yaml", "stages: [a]\n"))).rejects.toThrow(/stages\[0\]: got "a", expected a mapping with `name` and `uses`/);
  await expect(loadPipeline(join(folder, "gone.yaml"))).rejects.toThrow(/cannot read the pipeline: got no such file/);
});
