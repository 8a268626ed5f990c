import { createComponent, registerReward, registry as parts, type AdvantageInput } from "@verlet/core";
import { loadBuiltins } from "@verlet/config";
import { tf } from "@verlet/backend";
import { registerAlgorithm, registerCoreAlgos, registerCustomModel, registerRewardFunction, registerRewardManager, registry } from "@verlet/verl";
import { beforeAll, expect, test } from "vitest";
import * as verlet from "verlet";

beforeAll(() => loadBuiltins());

test("each registers a part of verlet's, from the file that registers it, and gives back what it was given", () => {
  const reward = (_: string, response: string): number => response.length;
  class Manager {
    call(): number[] {
      return [];
    }
  }
  const algos = (rewards: tf.Tensor2D, mask: tf.Tensor2D): readonly [tf.Tensor2D, tf.Tensor2D] => [rewards, mask];
  expect(registerRewardFunction("test-register-reward", { doc: "Length." })(reward)).toBe(reward);
  expect(registerRewardManager("test-register-manager")(Manager as never)).toBe(Manager);
  expect(registerCoreAlgos("test-register-algos")(algos as never)).toBe(algos);
  expect([registry.getRewardFunction("test-register-reward"), registry.getRewardManager("test-register-manager"), registry.getCoreAlgos("test-register-algos")]).toEqual([reward, Manager, algos]);
  for (const [kind, name] of [["reward", "test-register-reward"], ["rewardManager", "test-register-manager"], ["advantage", "test-register-algos"]] as const) {
    expect(parts.get(kind, name).source).toBe(import.meta.filename);
  }
  expect(parts.get("reward", "test-register-reward").doc).toBe("Length.");
  expect(parts.get("advantage", "test-register-algos").options.parse({})).toEqual({ epsilon: 1e-6 });
});

test("a core algorithm is called with rewards, mask, groups and epsilon", () => {
  registerCoreAlgos("test-register-called")((rewards, mask, index, epsilon) => {
    expect([rewards.shape, mask.shape, [...index], epsilon]).toEqual([[2, 3], [2, 3], [0, 0], 0.5]);
    return [rewards, tf.clone(mask)];
  });
  const input = { scores: Float32Array.of(1, 2), tokenRewards: tf.ones([2, 3]), mask: tf.zeros([2, 3]), groups: Int32Array.of(0, 0) } as unknown as AdvantageInput;
  const { advantages, returns } = createComponent("advantage", "test-register-called", { epsilon: 0.5 }).compute(input);
  expect([advantages.dataSync()[0], returns.dataSync()[0]]).toEqual([1, 0]);
  tf.dispose([advantages, returns, input.mask]);
});

test("a custom model and an algorithm are verlet's own under VERL's name", () => {
  class Family {
    readonly modelTypes = ["test"];
    parseConfig(): unknown {
      return {};
    }
  }
  const trainer = () => ({ setup: async () => undefined, step: async () => ({ metrics: {} }), state: () => null, restore: () => undefined });
  registerCustomModel("test-register-family")(Family);
  registerAlgorithm("test-register-algorithm")(trainer);
  expect([registry.getCustomModel("test-register-family"), registry.getAlgorithm("test-register-algorithm")]).toEqual([Family, trainer]);
});

test("the registry is verlet's own with these beside", () => {
  expect(registry.names("reward")).toEqual(parts.names("reward"));
  expect(registry.isClosed).toBe(false);
});

test("the package that scripts import has all of it under one name", () => {
  expect(verlet.verl.registry).toBe(registry);
  expect(verlet.verl.registerRewardManager).toBe(registerRewardManager);
  expect(verlet.VERLTrainingManager).toBe(verlet.verl.RLTrainingManager);
});

test("unknown names, and parts in another form, say what to do", () => {
  expect(() => registry.getRewardFunction("acuracy")).toThrow(/^\[reward acuracy\] unknown reward: .* Did you mean "accuracy"\?/);
  expect(() => registry.getRewardFunction("accuracy")).toThrow(/^\[reward accuracy\] it was not registered in VERL's form: got a registration in verlet's own from .*accuracy\.js\. Hand over its name, as in \{ rewardFunction: "accuracy" \}\.$/);
  expect(() => registry.getRewardManager("naive")).toThrow('Hand over its name, as in { rewardManagerClass: "naive" }.');
  expect(() => registry.getCoreAlgos("grpo")).toThrow('Hand over its name, as in { coreAlgosFunction: "grpo" }.');
  expect(() => registry.getAlgorithm("dappo")).toThrow('Did you mean "dapo"?');
});

test("a name is taken once, whichever way", () => {
  registerReward("test-register-twice")(() => 1);
  expect(() => registerRewardFunction("test-register-twice")(() => 1)).toThrow(/^\[reward test-register-twice\] the name is taken: got a second registration from .*register\.test\.ts/);
});
