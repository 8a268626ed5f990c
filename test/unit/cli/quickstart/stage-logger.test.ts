import { expect, test } from "vitest";
import { StageLogger } from "../../../../packages/cli/dist/quickstart/stage-logger.js";

function record(isTTY: boolean): { logger: StageLogger; written: string[] } {
  const written: string[] = [];
  const logger = new StageLogger({ isTTY, write: (text) => written.push(text) }, "GRPO", "reward");
  logger.start({ totalSteps: 12, startStep: 0 });
  for (let step = 1; step <= 12; step++) logger.step(step, { reward: step / 12, loss: 1 });
  logger.end();
  return { logger, written };
}

test("keeps its metric of every step", () => {
  expect(record(false).logger.values).toEqual(Array.from({ length: 12 }, (_, i) => (i + 1) / 12));
});

test("writes a few plain lines where the output is no terminal", () => {
  const { written } = record(false);
  expect(written.length).toBe(6); // every second of 12 steps
  expect(written.at(-1)).toMatch(/^ {2}GRPO 12\/12 {2}reward 1\.000 {2}0 s left\n$/);
});

test("redraws one line on a terminal and wipes it at the end", () => {
  const { written } = record(true);
  expect(written.every((text) => text.startsWith("\r") && !text.includes("\n"))).toBe(true);
  expect(written.at(-1)).toBe("\r\u001b[2K");
});

test("leaves out the plan, and shows what is said during the steps", () => {
  const written: string[] = [];
  const logger = new StageLogger({ write: (text) => written.push(text) }, "SFT", "loss");
  logger.line("Plan of x.yaml");
  logger.start({ totalSteps: 3, startStep: 0 });
  logger.line("stopping after step 1");
  expect(written).toEqual(["  stopping after step 1\n"]);
});
