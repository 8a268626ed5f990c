import { describe, expect, test } from "vitest";
import { loadConfig, planText, resolveConfig } from "@verlet/config";
import { registerPolicyLoss, z } from "@verlet/core";
import { folderWith, keepRegistryClean, problemsOf, rlYaml } from "./helpers.js";

keepRegistryClean();

/** A loss with defaults of its own for `loss:`. */
const register = (name: string, defaults: { loss: object }, options = z.strictObject({ clipHigh: z.number().default(0.1) })): unknown =>
  registerPolicyLoss(name, { options, defaults })(({ logProbs }) => logProbs);

describe("a policy loss's defaults", () => {
  test("stand over the algorithm's and under the user's keys", async () => {
    register("temporary-rows", { loss: { aggregation: "seq-mean-token-mean", klCoef: 0.2 } });
    const named = (await resolveConfig(`${rlYaml}loss: temporary-rows\n`)).config.loss;
    expect(named).toMatchObject({ name: "temporary-rows", aggregation: "seq-mean-token-mean", klCoef: 0.2, options: { clipHigh: 0.1 } }); // the algorithm says klCoef 0.01, and clipHigh for another loss
    const written = (await resolveConfig(`${rlYaml}loss: { name: temporary-rows, aggregation: token-sum, clip_high: 0.3 }\n`)).config.loss;
    expect(written).toMatchObject({ aggregation: "token-sum", klCoef: 0.2, options: { clipHigh: 0.3 } });
  });

  test("hold for another loss than the algorithm's alone", async () => {
    register("temporary-rows", { loss: { aggregation: "seq-mean-token-mean" } });
    expect((await resolveConfig(rlYaml)).config.loss).toMatchObject({ name: "test-clip", aggregation: "token-mean" });
  });

  test("are in the resolved configuration, which loads to the same, and in the plan", async () => {
    register("temporary-rows", { loss: { aggregation: "seq-mean-token-mean" } });
    const loaded = await resolveConfig(`${rlYaml}loss: temporary-rows\n`);
    expect(loaded.yaml()).toContain("aggregation: seq-mean-token-mean");
    expect(planText(loaded)).toMatch(/policy loss +temporary-rows .*\n +aggregation=seq-mean-token-mean /);
    const folder = folderWith({ "config.resolved.yaml": loaded.yaml() });
    expect((await loadConfig(`${folder}/config.resolved.yaml`)).config).toEqual(loaded.config);
  });

  test("that are wrong are the loss's own fault", async () => {
    register("temporary-wrong", { loss: { aggregation: "mean" } });
    expect(await problemsOf(resolveConfig(`${rlYaml}loss: temporary-wrong\n`))).toEqual([
      expect.stringMatching(/^\[defaults of policy loss temporary-wrong \(.*loss-defaults\.test\.ts\)\] loss\.aggregation: got "mean", expected one of token-mean, /),
    ]);
  });
});

describe("loss.renormalize", () => {
  test("is refused with a repetition penalty", async () => {
    const yaml = `${rlYaml}loss: { renormalize: true }\nrollout: { topK: 20, repetitionPenalty: 1.2 }\n`;
    expect(await problemsOf(resolveConfig(yaml))).toEqual([
      "[config:7:22] loss.renormalize: got true with rollout.repetitionPenalty 1.2, which cannot be part of it, expected rollout.repetitionPenalty: 1 beside it. Take one of the two out.",
    ]);
    expect((await resolveConfig(yaml.replace("1.2", "1"))).config.loss.renormalize).toBe(true);
    expect((await resolveConfig(yaml.replace("renormalize: true", "renormalize: false"))).config.rollout.repetitionPenalty).toBe(1.2);
  });
});
