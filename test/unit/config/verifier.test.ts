import { expect, describe, test } from "vitest";
import { loadConfig, resolveConfig, schemaJson } from "@verlet/config";
import { folderWith, keepRegistryClean, problemsOf, rlYaml } from "./helpers.js";

keepRegistryClean();

const withVerifier = (verifier: string, base = rlYaml): string => `${base}verifier: ${verifier}\n`;
const withoutRewards = rlYaml.replace("rewards: [test-exact]\n", "");
const full = (name: string, rest = {}): object => ({ name, weight: 1, timeout: 60, onError: "raise", ...rest });

describe("verifier:", () => {
  test("is one more reward, the last, with the keys of one", async () => {
    const { config } = await resolveConfig(withVerifier("{ name: test-length, weight: 2, timeout: 5, onError: -1, options: { max_length: 9 } }"));
    expect(config.rewards).toEqual([full("test-exact", { options: { tolerance: 0 } }), full("test-length", { weight: 2, timeout: 5, onError: -1, options: { maxLength: 9 } })]);
    expect(config.verifier).toBe("test-length");
  });

  test("may be the only one, and be given by its name alone", async () => {
    const { config } = await resolveConfig(withVerifier("test-exact", withoutRewards));
    expect(config.rewards).toEqual([full("test-exact", { options: { tolerance: 0 } })]);
    expect(config.verifier).toBe("test-exact");
    expect((await resolveConfig(rlYaml)).config).not.toHaveProperty("verifier");
  });

  test.each([rlYaml, withoutRewards])("comes back from config.resolved.yaml", async (base) => {
    const first = await resolveConfig(withVerifier("{ name: test-length, weight: 0.5 }", base));
    const again = await resolveConfig(first.yaml());
    expect(again.config).toEqual(first.config);
    expect(again.yaml()).toBe(first.yaml());
    expect(first.yaml()).toMatch(/^verifier:\n {2}name: test-length\n {2}weight: 0\.5\n/m);
  });

  test("another name over an extended one leaves its options behind, and its weight stays", async () => {
    const folder = folderWith({ "base.yaml": withVerifier("{ name: test-length, weight: 3, options: { maxLength: 4 } }", withoutRewards), "run.yaml": "extends: ./base.yaml\nverifier: test-exact\n" });
    const { config } = await loadConfig(`${folder}/run.yaml`);
    expect(config.rewards).toEqual([full("test-exact", { weight: 3, options: { tolerance: 0 } })]);
    const without = await problemsOf(loadConfig(`${folder}/run.yaml`, ["verifier=null"]), folder);
    expect(without).toEqual([expect.stringContaining("rewards is missing")]);
  });

  test.each<[string, string, RegExp]>([
    ["the name of a reward that is there", "test-exact", /\[config:7:11\] verifier\.name: got "test-exact" a second time, expected each reward once \(it is rewards\[0\] already\)\. Take it out of `rewards`: the verifier is one of them\./],
    ["an unknown name", "{ name: test-exakt }", /\[config:7:19\] unknown reward: got "test-exakt", expected one of .*Did you mean "?test-exact/],
    ["a reward model that is not registered", "{ name: reward_model }", /unknown reward: got "reward_model", expected one of /],
    ["an unknown key", "{ name: test-length, wieght: 2 }", /unknown key in verifier: got `wieght`, expected one of name, options, weight, timeout, onError\. Did you mean `weight`\?/],
    ["an option at the wrong place", "{ name: test-length, maxLength: 2 }", /`maxLength` is an option of test-length: write it under `options:`/],
    ["a wrong option", "{ name: test-length, options: { maxLength: long } }", /verifier\.options\.maxLength: got "long", expected a/],
    ["a list", "[test-length]", /verifier: got a list of 1, expected the name of a reward, or a mapping with `name`/],
    ["a wrong onError", "{ name: test-length, onError: zero }", /verifier\.onError: got "zero", expected one of raise, skip or a number/],
  ])("refuses %s", async (_, verifier, words) => {
    expect(await problemsOf(resolveConfig(withVerifier(verifier)))).toEqual([expect.stringMatching(words)]);
  });

  test("is not for algorithms without rewards", async () => {
    const sft = "algorithm: test-sft\nmodel: { path: ./model }\ndata: { train: ./train.jsonl }\ntrainer: { loggers: [test-logger] }\n";
    expect(await problemsOf(resolveConfig(withVerifier("test-exact", sft)))).toEqual([expect.stringContaining("algorithm test-sft does not use `verifier`")]);
  });

  test("is in the editors' schema, with the form of a reward", () => {
    const { properties } = schemaJson() as { properties: Record<string, { anyOf?: unknown; items?: { anyOf?: unknown } }> };
    expect(properties.verifier!.anyOf).toEqual(properties.rewards!.items!.anyOf);
  });
});

test("a reward may be a reward model one day: until one is registered, its name is unknown", async () => {
  const found = await problemsOf(resolveConfig(rlYaml.replace("[test-exact]", "[reward_model]")));
  expect(found).toEqual([expect.stringMatching(/\[config:4:11\] unknown reward: got "reward_model", expected one of /)]);
});
