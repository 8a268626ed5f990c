import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planPipeline, runPipeline, type PipelineEvent, type PlanOptions, type StageRecord } from "@verlet/pipeline";
import { beforeEach, expect, test } from "vitest";
import { fakeStages, loadFakes, runFakes, three, writePipeline, type FakeStages } from "./fake-stages.js";

let fakes: FakeStages;
let path: string;
let folder: string;
let outputDir: string;
beforeEach(() => {
  fakes = fakeStages();
  ({ path, folder, outputDir } = writePipeline(three));
});

const run = (overrides: string[] = [], options: PlanOptions = {}): Promise<string[]> => runFakes(path, fakes, overrides, options);
const plan = async (overrides: string[] = [], options: PlanOptions = {}): Promise<string[]> =>
  (await planPipeline(await loadFakes(path, fakes, overrides), options)).map(({ stage, action, why }) => `${stage.name}: ${action}, ${why}`);
const record = (stage: string): StageRecord => JSON.parse(readFileSync(join(outputDir, "records", `${stage}.json`), "utf8")) as StageRecord;
const throwing = (message: string) => () => {
  throw new Error(message);
};

test("what is done is not repeated, and each stage has its record", async () => {
  expect(await plan()).toEqual(["a: run, it has not run yet", "b: run, it has not run yet", "c: run, it has not run yet"]);
  expect(await run()).toEqual(["a 1", "b 1", "c 1"]);
  expect(await plan()).toEqual(["a", "b", "c"].map((name) => `${name}: skip, done, and nothing it depends on has changed`));
  expect(await run()).toEqual([]);
  const [a, b] = [record("a"), record("b")];
  expect(b).toMatchObject({ stage: "b", uses: "fake", after: a.id, status: "done", outputs: { file: join(outputDir, "b/value.txt") }, metrics: { value: 1 }, facts: { note: "fake" } });
  expect(b.metrics).not.toHaveProperty("broken"); // NaN is no number that was measured
  expect(Object.keys(b.inputs.files)).toEqual([join(outputDir, "a/value.txt")]);
  expect(b.inputs.hash).toMatch(/^[0-9a-f]{64}$/);
});

test("a changed option runs the stage and all after it; what it left is kept", async () => {
  await run();
  expect(await plan(["stages.b.value=2"])).toEqual(["a: skip, done, and nothing it depends on has changed", "b: run, value was 1 and is now 2", "c: run, b runs before it"]);
  expect(await run(["stages.b.value=2"])).toEqual(["b 2", "c 1"]);
  expect(readFileSync(join(outputDir, "b/value.txt"), "utf8")).toBe("2");
  expect(readdirSync(join(outputDir, "earlier")).sort()).toEqual(["b-1", "c-1"]);
  expect(readFileSync(join(outputDir, "earlier/b-1/value.txt"), "utf8")).toBe("1");
  expect(JSON.parse(readFileSync(join(outputDir, "earlier/b-1/record.json"), "utf8"))).toMatchObject({ stage: "b", metrics: { value: 1 } });
  expect(await run(["stages.b.value=3"])).toEqual(["b 3", "c 1"]);
  expect(readdirSync(join(outputDir, "earlier")).sort()).toEqual(["b-1", "b-2", "c-1", "c-2"]);
});

test("a changed, a new and a missing file that a stage reads", async () => {
  const outside = join(folder, "rows.txt");
  const stages = [{ name: "a", uses: "fake", reads: [outside] }, three[1]!];
  writePipeline(stages, {}, folder);
  await expect(run()).rejects.toThrow(`[stage a] what it reads is not there: got nothing at ${outside}, expected a file or folder.`);
  expect(existsSync(outputDir)).toBe(false);
  writeFileSync(outside, "one");
  expect(await run()).toEqual(["a 1", "b 1"]);
  writeFileSync(outside, "two");
  expect(await plan()).toEqual([`a: run, ${outside} has changed`, "b: run, a runs before it"]);
  expect(await run()).toEqual(["a 1", "b 1"]);
  // By its content, not by its time.
  writeFileSync(outside, "two");
  expect(await run()).toEqual([]);
  rmSync(outside);
  expect((await plan())[0]).toBe(`a: run, ${outside} is gone`);
});

test("a folder counts by the model's own files, not by what a run leaves beside them", async () => {
  const model = join(folder, "model");
  mkdirSync(join(model, "checkpoints"), { recursive: true });
  writeFileSync(join(model, "config.json"), "{}");
  writePipeline([{ name: "a", uses: "fake", reads: [model] }], {}, folder);
  expect(await run()).toEqual(["a 1"]);
  writeFileSync(join(model, "metrics.jsonl"), "{}\n");
  expect(await run()).toEqual([]);
  writeFileSync(join(model, "model.safetensors"), "weights");
  expect(await run()).toEqual(["a 1"]);
});

test("a stage whose result is gone runs again; one that leaves nothing is an error", async () => {
  await run();
  rmSync(join(outputDir, "b"), { recursive: true });
  expect(await plan()).toEqual(["a: skip, done, and nothing it depends on has changed", `b: run, ${join(outputDir, "b/value.txt")} is gone`, "c: run, b runs before it"]);
  expect(await run()).toEqual(["b 1", "c 1"]);
  await expect(run(["stages.c.leaves=false", "stages.c.value=9"])).rejects.toThrow(`[stage c] it ended without leaving what it should: got no ${join(outputDir, "c/value.txt")}, expected these files.`);
  expect(record("c")).toMatchObject({ status: "failed", reason: expect.stringContaining("without leaving") as string });
});

test("a stage that fails: its error, and the next run goes on there", async () => {
  fakes.hooks.set("b", throwing("no power"));
  await expect(run()).rejects.toThrow("no power");
  expect(record("b")).toMatchObject({ status: "failed", reason: "no power", metrics: {} });
  expect((await plan())[1]).toBe("b: resume, it was ended by an error (no power)");
  fakes.hooks.clear();
  expect(await run()).toEqual(["b 1+", "c 1"]);
});

test("a stage that is stopped goes on; its time is that of both", async () => {
  fakes.hooks.set("b", () => ({ metrics: { value: 0.5 }, interrupted: "after step 3 of 9" }));
  const result = await runPipeline(await loadFakes(path, fakes));
  expect(result).toMatchObject({ interrupted: { stage: "b", where: "after step 3 of 9" }, records: [{ stage: "a" }] });
  const stopped = record("b");
  expect(stopped).toMatchObject({ status: "interrupted", reason: "after step 3 of 9" });
  fakes.hooks.clear();
  const again = await loadFakes(path, fakes);
  const events: PipelineEvent[] = [];
  await runPipeline(again, { onEvent: (event) => events.push(event) });
  expect(events.map((event) => event.event)).toEqual(["skip", "start", "done", "start", "done"]);
  expect(events[1]).toEqual({ event: "start", stage: "b", uses: "fake", number: 2, of: 3, action: "resume", why: "it was stopped (after step 3 of 9)" });
  expect(record("b").id).toBe(stopped.id);
  expect(record("b").seconds).toBeGreaterThanOrEqual(stopped.seconds);
});

test("a stopped stage starts over when its options have changed, with what it had kept beside", async () => {
  fakes.hooks.set("b", () => ({ metrics: {}, interrupted: "half way" }));
  await run();
  fakes.hooks.clear();
  expect(await run(["stages.b.value=4"])).toEqual(["b 4", "c 1"]);
  expect(readdirSync(join(outputDir, "earlier/b-1")).sort()).toEqual(["half", "record.json"]);
});

test("a process that was killed leaves a stage that is running: it runs again", async () => {
  await run();
  writeFileSync(join(outputDir, "records/b.json"), JSON.stringify({ ...record("b"), status: "running" }));
  expect((await plan()).slice(1)).toEqual(["b: run, it was not finished", "c: run, b runs before it"]);
  writeFileSync(join(outputDir, "b/half"), "");
  expect((await plan())[1]).toBe("b: resume, it was not finished");
});

test("--until ends there, and --from runs again from there on", async () => {
  expect(await run([], { until: "b" })).toEqual(["a 1", "b 1"]);
  expect(await plan([], { until: "b" })).toEqual(["a: skip, done, and nothing it depends on has changed", "b: skip, done, and nothing it depends on has changed", "c: leave, after --until b"]);
  expect(await run()).toEqual(["c 1"]);
  expect(await run([], { from: "b" })).toEqual(["b 1", "c 1"]);
  expect(await run([], { from: "b", until: "b" })).toEqual(["b 1"]);
  // c is now older than b.
  expect((await plan())[2]).toBe("c: run, b has run again since");
});

test("--from takes the stages before it as they are", async () => {
  await expect(run([], { from: "b" })).rejects.toThrow("[--from b] stage a, before it, is not done: got it has not run yet, expected its result. Leave --from out: the stages that are needed then run.");
  await run();
  expect(await plan(["stages.a.value=8"], { from: "c" })).toEqual(["a: skip, before --from c: taken as it is", "b: skip, before --from c: taken as it is", "c: run, --from c"]);
  expect(await run(["stages.a.value=8"], { from: "c" })).toEqual(["c 1"]);
  // Without it the change counts.
  expect(await run(["stages.a.value=8"])).toEqual(["a 8", "b 1", "c 1"]);
  rmSync(join(outputDir, "a/value.txt"));
  await expect(run([], { from: "b" })).rejects.toThrow(`got ${join(outputDir, "a/value.txt")} is gone, expected its result`);
});

test("names of --from and --until that are wrong", async () => {
  await expect(run([], { from: "bb" })).rejects.toThrow('[--from bb] there is no such stage: got "bb", expected one of a, b, c. Did you mean `b`?');
  await expect(run([], { from: "c", until: "a" })).rejects.toThrow("[--from c] it would end before it begins: got --until a, expected c or a stage after it.");
});

test("a stage put in between, and one taken away, run all after them", async () => {
  await run();
  writePipeline([three[0]!, { name: "new", uses: "fake" }, ...three.slice(1)], {}, folder);
  expect(await run()).toEqual(["new 1", "b 1", "c 1"]);
  writePipeline([three[0]!, ...three.slice(1)], {}, folder);
  expect((await plan()).slice(1)).toEqual(["b: run, a has run again since", "c: run, b runs before it"]);
});

test.each([
  ["no JSON", "{", /the record of stage b is damaged: got .*JSON.*, expected the JSON that verlet wrote\. Delete this file and the stage's folder .*: it then runs again/],
  ["other content", '{"stage":"b"}', /the record of stage b is damaged: got uses: nothing instead of text/],
])("a damaged record (%s) is an error that names the file", async (_, text, words) => {
  await run();
  writeFileSync(join(outputDir, "records/b.json"), text);
  await expect(run()).rejects.toThrow(words);
  // The way out that it names.
  rmSync(join(outputDir, "records/b.json"));
  rmSync(join(outputDir, "b"), { recursive: true });
  expect(await run()).toEqual(["b 1", "c 1"]);
});

test("a record in another stage's file is one too", async () => {
  await run();
  writeFileSync(join(outputDir, "records/b.json"), readFileSync(join(outputDir, "records/a.json")));
  await expect(run()).rejects.toThrow("the record of stage b is damaged: got the record of stage a");
});

test("a folder that no record speaks of is not touched", async () => {
  mkdirSync(join(outputDir, "b"), { recursive: true });
  writeFileSync(join(outputDir, "b/thesis.txt"), "");
  await expect(run()).rejects.toThrow(`[${join(outputDir, "b")}] stage b would write here, and no record says that it did before: got thesis.txt, expected an empty folder.`);
  expect(fakes.log).toEqual([]);
});

test("a signal that is aborted ends the pipeline before its next stage", async () => {
  const controller = new AbortController();
  const pipeline = await loadFakes(path, fakes);
  const result = await runPipeline(pipeline, { signal: controller.signal, onEvent: ({ event }) => event === "done" && controller.abort() });
  expect(fakes.log).toEqual(["a 1"]);
  expect(result.interrupted).toEqual({ stage: "b", where: "before it began" });
});

test("Ctrl+C in a stage that does not listen for it: it ends, and the pipeline with it", async () => {
  const [a, ...rest] = three;
  writePipeline([{ ...a, listens: false }, ...rest], {}, folder);
  fakes.hooks.set("a", () => {
    process.emit("SIGINT", "SIGINT");
    writeFileSync(join(outputDir, "a/value.txt"), "1");
    return { metrics: { value: 1 } };
  });
  const lines: string[] = [];
  const result = await runPipeline(await loadFakes(path, fakes), { onEvent: (event) => event.event === "line" && lines.push(event.text) });
  expect(result.interrupted).toEqual({ stage: "a", where: "once it was done" });
  expect(lines).toEqual(["stopping once stage a is done; press Ctrl+C again to end at once"]);
  expect(record("a").status).toBe("done");
  expect(process.listenerCount("SIGINT")).toBe(0);
  expect(await run()).toEqual(["b 1", "c 1"]);
});
