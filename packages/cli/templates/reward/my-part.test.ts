import { rewardContract, rewardSample, scoreOf } from "@verlet/testing";
import { createComponent, loadPlugins } from "verlet";
import { expect, test } from "vitest";

await loadPlugins(["./my-part.ts"], import.meta.dirname);

rewardContract("my-part", {}, { answer: "42" });

test.each([
  ["6 * 7\n= 42", { answer: "42" }, true, 1.5],
  ["6 * 7\n= 42", { answer: "42" }, false, 1], // cut off: no bonus
  ["42\nor so", { answer: "42" }, true, 0], // not in the last line
  ["42", {}, true, null], // nothing to compare with
])("%j for the row %j, finished: %s", async (completion, row, finished, score) => {
  const reward = createComponent("reward", "my-part", { bonus: 0.5 });
  expect(await scoreOf(reward, rewardSample(completion, row, finished))).toBe(score);
});
