import { resolveConfig } from "@verlet/config";
import type { Metrics } from "@verlet/core";
import { buildRun, openSession, type LiveRun } from "@verlet/manager";
import { fakeModels, tinyRlConfig, trainerContract } from "@verlet/testing";
import { describe, expect, onTestFinished, test } from "vitest";

const critic = { learningRate: 0.02 };

trainerContract("ppo", { config: tinyRlConfig({ algorithm: { name: "ppo", critic }, loss: { iterations: 2 } }) });
trainerContract("ppo with two parts a batch and KL in the reward", {
  config: tinyRlConfig({ algorithm: { name: "ppo", critic }, loss: { miniBatches: 2, klCoef: 0.1, klController: "adaptive" } }),
});

async function open(sections: Record<string, unknown>): Promise<LiveRun> {
  const loaded = await resolveConfig(tinyRlConfig(sections));
  const session = await openSession(loaded, fakeModels);
  const run = await buildRun(session, loaded, () => undefined);
  onTestFinished(() => {
    run.dispose();
    session.dispose();
  });
  return run;
}

async function steps(run: LiveRun, from: number, to: number): Promise<Metrics[]> {
  const all: Metrics[] = [];
  for (run.step = from; run.step <= to; run.step++) all.push((await run.trainer.step()).metrics);
  return all;
}

const weights = (model: Pick<LiveRun["policy"], "trainable">): number[] => model.trainable.flatMap(({ variable }) => [...variable.dataSync()]);

describe("ppo", () => {
  test("a warm-up trains the critic alone; the policy's first update has ratio 1 even in the middle of a batch", async () => {
    const run = await open({ algorithm: { name: "ppo", critic: { ...critic, warmupSteps: 3 } }, loss: { iterations: 2 } });
    const { model } = run.companions.all[0]!;
    const [policy, values] = [weights(run.policy), weights(model)];
    for (const metrics of await steps(run, 1, 3)) {
      expect(metrics).toHaveProperty("critic/vf_loss");
      expect(metrics).not.toHaveProperty("loss");
    }
    expect(weights(run.policy)).toEqual(policy);
    expect(weights(model)).not.toEqual(values);
    const [fourth, fifth] = await steps(run, 4, 5);
    expect(fourth).toMatchObject({ ratio: 1, approx_kl: 0 });
    expect(weights(run.policy)).not.toEqual(policy);
    expect(fifth).toHaveProperty("reward"); // a new batch
  });

  test("measures what verl measures of a critic, under verl's names", async () => {
    const run = await open({ algorithm: { name: "ppo", critic } });
    const [first] = await steps(run, 1, 1);
    expect(first).toMatchObject({ "critic/values/mean": 0, "critic/vpred_mean": 0, "critic/vf_clipfrac": 0, "critic/lr": 0.02, learning_rate: 0.05 });
    // Values start at 0, so the loss is half the mean square of the returns, and nothing is explained.
    expect(first!["critic/returns/mean"]).toBeGreaterThan(0);
    expect(first!["critic/vf_loss"]).toBeGreaterThan(0.5 * first!["critic/returns/mean"]! ** 2 - 1e-6);
    expect(first!["critic/vf_explained_var"]).toBeLessThan(0.01);
    expect(first!["critic/grad_norm"]).toBeGreaterThan(0);
  });

  test("takes the KL divergence off the reward: the further the policy is from its start, the lower the returns", async () => {
    const returns = async (klCoef: number): Promise<number> => {
      const run = await open({ algorithm: { name: "ppo", critic }, loss: { klCoef } });
      const first = run.policy.trainable[0]!.variable;
      first.assign(first.add(first.onesLike().cumsum().mul(0.01)) as typeof first);
      return (await steps(run, 1, 1))[0]!["critic/returns/mean"]!;
    };
    expect(await returns(1)).toBeLessThan((await returns(0)) - 0.1);
  });

  test("learns what is rewarded, and its critic what to expect", async () => {
    const run = await open({
      algorithm: { name: "ppo", critic: { learningRate: 0.05 } },
      rollout: { numGenerations: 1, maxNewTokens: 4 },
      trainer: { batchSize: 64, microBatchSize: 0, maxSteps: 40 },
      optimizer: { learningRate: 0.2 },
    });
    const all = await steps(run, 1, 40);
    expect(all[0]!["reward"]).toBeLessThan(0.6);
    expect(all.at(-1)!["reward"]).toBeGreaterThan(0.9);
    expect(all.at(-1)!["critic/values/mean"]).toBeGreaterThan(0.7);
    expect(all.at(-1)!["critic/vf_loss"]).toBeLessThan(all[0]!["critic/vf_loss"]! / 2);
  });
});
