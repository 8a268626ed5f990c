import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TrainingError } from "@verlet/core";
import { loadPipeline, runPipeline, stageKinds, type PipelineEvent, type PipelineReport } from "@verlet/pipeline";
import { expect, test } from "vitest";
import { fakeStages, runFakes, writePipeline, type StageText } from "./fake-stages.js";

const stage = (name: string, value: number, bounds?: object): StageText => ({ name, uses: "fake", value, ...(bounds && { expect: { value: bounds } }) });

test("what is measured and not what is expected stops the pipeline, with both numbers", async () => {
  const fakes = fakeStages();
  const { path } = writePipeline([stage("a", 0.25, { min: 0.3, max: 1 }), stage("b", 1)]);
  await expect(runFakes(path, fakes)).rejects.toThrow(
    new TrainingError({
      where: "stage a",
      what: "the pipeline stops here: what was measured is not what is expected",
      got: "value 0.25",
      expected: "value from 0.3 to 1",
      fix: "Change what leads to it, or stages.a.expect, and run the same command: stages that this does not touch are not repeated",
    }),
  );
  expect(fakes.log).toEqual(["a 0.25"]);
  // It is checked again though the stage is done, and another bound does not run the stage again.
  await expect(runFakes(path, fakes)).rejects.toThrow("value from 0.3 to 1");
  expect(fakes.log).toEqual([]);
  expect(await runFakes(path, fakes, ["stages.a.expect.value.min=0.2"])).toEqual(["b 1"]);
});

test("a bound may be what an earlier stage measured", async () => {
  const fakes = fakeStages();
  const { path } = writePipeline([stage("a", 0.5), stage("b", 0.4, { min: "${stages.a.metrics.value}" })]);
  await expect(runFakes(path, fakes)).rejects.toThrow("[stage b] the pipeline stops here: what was measured is not what is expected: got value 0.4, expected value at least 0.5.");
  const events: PipelineEvent[] = [];
  await runFakes(path, fakes, ["stages.b.value=0.6"], { onEvent: (event) => events.push(event) });
  expect(events.at(-1)).toEqual({ event: "expected", stage: "b", checked: [{ metric: "value", measured: 0.6, min: 0.5, met: true }] });
});

test("a metric that was not measured, of this stage or of the one compared with", async () => {
  const fakes = fakeStages();
  const { path } = writePipeline([{ name: "a", uses: "fake", expect: { valeu: { min: 0 } } }, stage("b", 1)]);
  await expect(runFakes(path, fakes)).rejects.toThrow("[stage a] it did not measure `valeu`, for which there is an expectation: got value, expected one of its metrics. Did you mean `value`?");
  const other = writePipeline([stage("a", 1), stage("b", 1, { max: "${stages.a.metrics.loss}" })]);
  await expect(runFakes(other.path, fakes)).rejects.toThrow("[stage a] it did not measure `loss`");
});

test("the report holds what the stages measured, side by side where evaluations have the same metric", async () => {
  const { kind } = fakeStages();
  const measuring = (value: number) => ({ "eval/rewards/accuracy/mean": value, "eval/reward|x": 2 * value });
  const eval_ = { ...kind, name: "measure", prepare: async (...given: Parameters<typeof kind.prepare>) => {
    const prepared = await kind.prepare(...given);
    return { ...prepared, run: async (context: Parameters<typeof prepared.run>[0]) => ({ metrics: measuring((await prepared.run(context)).metrics.value!) }) };
  } };
  const stages = [{ ...stage("before", 0.25), uses: "measure" }, { name: "sft", uses: "fake", value: 3 }, { ...stage("after", 0.75), uses: "measure", expect: { "eval/rewards/accuracy/mean": { min: "${stages.before.metrics.eval/rewards/accuracy/mean}" } } }, { name: "report", uses: "report", title: "Sums" }];
  const { path, outputDir } = writePipeline(stages);
  const load = (overrides: string[] = []) => loadPipeline(path, { kinds: [kind, eval_, ...stageKinds], overrides });
  await runPipeline(await load());
  const report = JSON.parse(readFileSync(join(outputDir, "report/report.json"), "utf8")) as PipelineReport;
  expect(report.title).toBe("Sums");
  expect(report.stages.map(({ name, uses, metrics }) => ({ name, uses, metrics }))).toEqual([
    { name: "before", uses: "measure", metrics: measuring(0.25) },
    { name: "sft", uses: "fake", metrics: { value: 3 } },
    { name: "after", uses: "measure", metrics: measuring(0.75) },
  ]);
  expect(report.stages[2]!.expected).toEqual([{ metric: "eval/rewards/accuracy/mean", measured: 0.75, min: 0.25, met: true }]);
  expect(report.compared[0]).toEqual({ metric: "eval/rewards/accuracy/mean", values: [{ stage: "before", value: 0.25 }, { stage: "after", value: 0.75 }], change: 0.5 });
  const markdown = readFileSync(join(outputDir, "report/report.md"), "utf8");
  expect(markdown).toContain("# Sums\n");
  expect(markdown).toContain("| metric | before | after | change |\n| --- | --- | --- | --- |\n| `eval/rewards/accuracy/mean` | 0.25 | 0.75 | +0.5 |\n| `eval/reward\\|x` | 0.5 | 1.5 | +1 |\n");
  expect(markdown).toContain("| after | `eval/rewards/accuracy/mean` | 0.75 | at least 0.25 | yes |");
  expect(markdown).toContain("| `value` | 3 |");
  // A report of the old bound would be wrong.
  const events: PipelineEvent[] = [];
  await runPipeline(await load(["stages.after.expect.eval/rewards/accuracy/mean.min=0.1"]), { onEvent: (event) => events.push(event) });
  expect(events.filter(({ event }) => event === "start")).toMatchObject([{ stage: "report" }]);
});
