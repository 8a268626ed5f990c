import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as core from "@verlet/core";
import { expect, test } from "vitest";
import * as verlet from "verlet";

const root = fileURLToPath(new URL("../../..", import.meta.url));

test("every decorator and error of the core is there, and is the core's own", () => {
  const names = Object.keys(core).filter((name) => /^register[A-Z]|Error$/.test(name) && name !== "describeError");
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) expect((verlet as Record<string, unknown>)[name], name).toBe((core as Record<string, unknown>)[name]);
});

test("importing it opens no backend", () => {
  const script = 'import { activeBackend, createManager, registerReward, tf } from "verlet"; console.log(activeBackend(), typeof createManager, tf.engine().backendName)';
  expect(execFileSync(process.execPath, ["--input-type=module", "-e", script], { cwd: root, encoding: "utf8" }).trim()).toBe("undefined function undefined");
});

test("a TypeScript plugin anywhere registers through it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "verlet-plugin-"));
  writeFileSync(
    join(folder, "mine.ts"),
    `import { aggregate, registerAdvantage, registerReward, tf, z, type AdvantageInput, type Reward, type RewardSample } from "verlet";

@registerReward("mine/long", { options: z.strictObject({ least: z.int().default(3) }), api: "^1" })
export class Long implements Reward {
  constructor(private readonly options: { least: number }) {}
  score = ({ completionIds }: RewardSample) => (completionIds.length >= this.options.least ? 1 : 0);
}

export const centred = registerAdvantage("mine/centred")(({ scores, mask }: AdvantageInput) => {
  const advantages = tf.mul(mask, tf.sub(tf.tensor2d(scores, [scores.length, 1]), tf.mean(scores))) as tf.Tensor2D;
  return { advantages, returns: advantages };
});
export const own = aggregate;
`,
  );
  const [plugin] = await verlet.loadPlugins(["./mine.ts"], folder);
  expect(plugin!.entries.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual(["advantage mine/centred", "reward mine/long"]);
  expect(verlet.registry.get("reward", "mine/long").source).toBe(plugin!.file);

  const reward = verlet.createComponent("reward", "mine/long", { least: 2 });
  const sample = { completionIds: [1, 2] } as unknown as verlet.RewardSample;
  expect(await reward.score!(sample, { options: {}, step: 0, signal: new AbortController().signal })).toBe(1);

  await verlet.selectBackend("cpu");
  const { advantages } = verlet.createComponent("advantage", "mine/centred").compute({
    scores: Float32Array.of(1, 0),
    tokenRewards: verlet.tf.zeros([2, 2]),
    mask: verlet.tf.tensor2d([[1, 1], [1, 0]]),
    groups: Int32Array.of(0, 0),
  });
  // Scores 1 and 0 less their mean ½, on the mask's tokens.
  expect(Array.from(advantages.dataSync(), (value) => value + 0)).toEqual([0.5, 0.5, -0.5, 0]);
});
