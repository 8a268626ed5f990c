import { describe, expect, it } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fakeConfig, metricsOf, Recorder, trainFake } from "./fake-run.js";

/** The plan's warning, and the rates that the run had. */
async function run(maxSteps: number, schedule: object): Promise<{ warning: string | undefined; rates: number[] }> {
  const told = new Recorder();
  const folder = tempFolder();
  const config = fakeConfig(folder, { trainer: { maxSteps }, optimizer: { learningRate: 0.1, schedule } });
  await trainFake(config, { loggers: [told] });
  const warning = told.lines.flatMap((line) => line.split("\n")).find((line) => /^ +warning /.test(line));
  return { warning: warning?.trim().replace(/ +/g, " "), rates: metricsOf(`${folder}/out`).map(({ learning_rate }) => Number(learning_rate!.toPrecision(6))) };
}

describe("a run that ends before its learning rate has risen is warned of in its plan", () => {
  it.each([
    [4, { warmupSteps: 4 }, "warning the learning rate never reaches optimizer.learningRate: at most 0.75 of it, as its warm-up takes 4 of 4 steps (optimizer.schedule.warmupSteps)", [0, 0.025, 0.05, 0.075]],
    [2, { warmupSteps: 8 }, "warning the learning rate never reaches optimizer.learningRate: at most 0.13 of it, as its warm-up takes 8 of 2 steps (optimizer.schedule.warmupSteps)", [0, 0.0125]],
    [1, { name: "cosine", warmupRatio: 0.03 }, "warning the learning rate is 0 in the only step, which changes nothing, as its warm-up takes 1 of 1 steps (optimizer.schedule.warmupRatio)", [0]],
    [4, { warmupSteps: 3 }, undefined, [0, 0.033333, 0.066667, 0.1]],
    [1, {}, undefined, [0.1]],
  ])("%i steps, %j", async (steps, schedule, warning, rates) => {
    const got = await run(steps, schedule);
    expect(got.warning).toBe(warning);
    expect(got.rates.map((rate, i) => Math.abs(rate - rates[i]!) < 1e-5)).toEqual(rates.map(() => true));
  });
});
