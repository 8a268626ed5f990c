/** `rewards: [{ module, function }]` and VERL's custom_reward_function, which becomes it. */
import { createComponent, registry, type RewardFn, type RewardSample } from "@verlet/core";
import { loadConfig, resolveConfig } from "@verlet/config";
import { describe, expect, test } from "vitest";
import { folderWith, problemsOf } from "../config/helpers.js";
import { smallest } from "./verl-files.js";

const score = `
export function computeScore(dataSource, solution, groundTruth, extraInfo, options) {
  return { score: solution === groundTruth ? (options.right ?? 1) : 0, seen: Object.keys(extraInfo).length };
}
export const helper = () => 0;
`;
const verl = (keys: string): string => `${smallest}reward: { custom_reward_function: ${keys} }\n`;
const sample = { completion: "4", row: { data_source: "sums", reward_model: { ground_truth: "4" }, extra_info: { index: 1 } } } as unknown as RewardSample;

async function call(name: string, options: Record<string, unknown> = {}): Promise<{ value: number | null; logged: Record<string, number> }> {
  const logged: Record<string, number> = {};
  const { score } = createComponent("reward", name, options);
  const log = (key: string, value: number): void => void (logged[key] = value);
  return { value: await (score as RewardFn)(sample, { options, step: 1, signal: new AbortController().signal, log }), logged };
}

describe("custom_reward_function", () => {
  test("is found from the file's folder, with its arguments, and runs", async () => {
    const folder = folderWith({ "score.ts": score, "run.yaml": verl("{ path: score.ts, name: compute_score, reward_kwargs: { right: 2 } }") });
    const { config, yaml } = await loadConfig(`${folder}/run.yaml`);
    expect(config.rewards).toMatchObject([{ name: "custom/computeScore", module: `${folder}/score.ts`, function: "computeScore", options: { right: 2 } }]);
    expect(await call("custom/computeScore", { right: 2 })).toEqual({ value: 2, logged: { seen: 1 } });
    // The resolved YAML names the file, so that it can be read anywhere.
    expect((await resolveConfig(yaml())).config.rewards).toEqual(config.rewards);
  });
  test("at its older place, with the note", async () => {
    const folder = folderWith({ "score.ts": score, "run.yaml": `${smallest}custom_reward_function: { path: ./score.ts, name: computeScore }\n` });
    const loaded = await loadConfig(`${folder}/run.yaml`);
    expect(loaded.config.rewards[0]).toMatchObject({ module: `${folder}/score.ts` });
    expect(loaded.translation!.notes).toContainEqual(expect.stringMatching(/^custom_reward_function\.\{path, name\}: read, though verl 0\.9/));
  });
  test("a missing file and a missing function say where", async () => {
    const folder = folderWith({ "score.ts": score, "a.yaml": verl("{ path: ./none.ts }"), "b.yaml": verl("{ path: ./score.ts, name: other }") });
    expect(await problemsOf(loadConfig(`${folder}/a.yaml`), folder)).toEqual([expect.stringMatching(/^\[~\/a\.yaml:6:43 reward\.custom_reward_function\.path\] module ~\/none\.ts: no such file/)]);
    expect(await problemsOf(loadConfig(`${folder}/b.yaml`), folder)).toEqual([expect.stringMatching(/^\[~\/b\.yaml:6:43 .*\] module ~\/score\.ts: no function `other`: got the exports computeScore, helper/)]);
  });
});

describe("rewards: [{ module }]", () => {
  const own = (entry: string): string => `algorithm: grpo\nmodel: { path: m }\ndata: { train: t.jsonl }\nrewards: [${entry}]\n`;

  test("finds the only function named for a score, and takes weight, timeout and options", async () => {
    const folder = folderWith({ "one.ts": score, "run.yaml": own("{ module: ./one.ts, weight: 0.5, onError: skip, options: { right: 3 } }") });
    const { config } = await loadConfig(`${folder}/run.yaml`);
    expect(config.rewards).toMatchObject([{ module: `${folder}/one.ts`, function: "computeScore", weight: 0.5, onError: "skip", options: { right: 3 } }]);
  });
  test("two files with a function of one name keep apart", async () => {
    const folder = folderWith({ "a.ts": score, "b.ts": score, "run.yaml": own("{ module: ./a.ts }, { module: ./b.ts }") });
    const { config } = await loadConfig(`${folder}/run.yaml`);
    expect(new Set(config.rewards.map(({ name }) => name)).size).toBe(2);
    expect(config.rewards.map(({ name }) => registry.get("reward", name).source)).toEqual([`${folder}/a.ts`, `${folder}/b.ts`]);
  });
  test("several functions that fit, and a name beside the module, are errors", async () => {
    const folder = folderWith({ "two.ts": "export const scoreA = () => 0;\nexport const scoreB = () => 1;\n", "run.yaml": own("{ module: ./two.ts, nmae: x }") });
    expect(await problemsOf(loadConfig(`${folder}/run.yaml`), folder)).toEqual([
      expect.stringMatching(/^\[~\/run\.yaml:4:21\] module \.\/two\.ts: several functions fit: got scoreA, scoreB, expected one whose name holds "score"\. Say which one with `function:`\.$/),
      expect.stringMatching(/^\[~\/run\.yaml:4:31\] unknown key in rewards\[0\]: got `nmae`, expected one of module, function, options, weight, timeout, onError/),
    ]);
  });
});
