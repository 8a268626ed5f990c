import { tf } from "@verlet/backend";
import { resolveConfig } from "@verlet/config";
import type { Metrics } from "@verlet/core";
import { buildRun, captureRun, openSession, readResumePoint, resumeRun, saveRun, type LiveRun, type ModelSource, type Session } from "@verlet/manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { fakeModels } from "./fakes/fake-policy.js";
import { tempFolder } from "./fakes/temp-folder.js";

export interface TrainerCase {
  /** A whole configuration for the trainer; `backend: cpu` and small. */
  config: Readonly<Record<string, unknown>>;
  /** Where its model comes from; a unigram model and byte tokens without it. */
  models?: ModelSource;
}

/** What every algorithm must do. */
export function trainerContract(name: string, { config, models = fakeModels }: TrainerCase): void {
  async function open(): Promise<{ session: Session; run: LiveRun }> {
    const loaded = await resolveConfig(config);
    const session = await openSession(loaded, models);
    const run = await buildRun(session, loaded, () => undefined);
    onTestFinished(() => {
      run.dispose();
      session.dispose();
    });
    return { session, run };
  }

  async function step(run: LiveRun, number: number): Promise<Metrics> {
    run.step = number;
    return untimed((await run.trainer.step()).metrics);
  }

  describe(`trainer ${name}`, () => {
    it("takes steps that change the weights and measure finite numbers", async () => {
      const { run } = await open();
      const before = weightsOf(run);
      for (const number of [1, 2, 3]) {
        const metrics = await step(run, number);
        expect(Object.keys(metrics)).not.toEqual([]);
        expect(Object.entries(metrics).filter(([, value]) => !Number.isFinite(value))).toEqual([]);
        expect(run.optimizer.updates).toBe(number);
      }
      weightsOf(run).forEach((weights, i) => expect(weights).not.toEqual(before[i]));
    });

    it("takes the same next step from its checkpoint", async () => {
      for (const stopAfter of [1, 2]) {
        const { run: first } = await open();
        for (let number = 1; number <= stopAfter; number++) await step(first, number);
        const record = { step: stopAfter, ...captureRun(first), manager: null, metrics: {}, config: null, configYaml: "" };
        const folder = await saveRun(tempFolder(), first, record);
        const expected = await step(first, stopAfter + 1);

        const { run: second } = await open();
        await resumeRun(await readResumePoint(folder), second);
        expect(await step(second, stopAfter + 1)).toEqual(expected);
        expect(weightsOf(second)).toEqual(weightsOf(first));
      }
    });

    it("holds no more tensors after step 6 than after step 2", async () => {
      const { run } = await open();
      const counts: number[] = [];
      for (let number = 1; number <= 6; number++) {
        await step(run, number);
        counts.push(tf.memory().numTensors);
      }
      expect(counts[5]).toBe(counts[1]);
    });
  });
}

/** Of the policy and of each model beside it. */
function weightsOf({ policy, companions }: LiveRun): number[][][] {
  return [policy, ...companions.all.map(({ model }) => model)].map(({ trainable }) => trainable.map(({ variable }) => Array.from(variable.dataSync())));
}

/** Time is all that may differ between two equal steps. */
function untimed(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !/^(timing|perf|memory)\//.test(name)));
}
