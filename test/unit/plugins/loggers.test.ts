import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import "@verlet/plugins/logger-csv";
import { bar, clock, compactNumber, ConsoleLogger, keyMetrics } from "@verlet/plugins/logger-console";
import "@verlet/plugins/logger-jsonl";
import { createComponent } from "@verlet/core";
import { describe, expect, it } from "vitest";
import { loggerContract, type LoggerRecord } from "../../contracts/logger.js";
import { tempFolder } from "../../fakes/temp-folder.js";

const jsonl = (outputDir: string): LoggerRecord[] =>
  readFileSync(join(outputDir, "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const { step, ...metrics } = JSON.parse(line) as LoggerRecord["metrics"] & { step: number };
      return { step, metrics };
    });

const csv = (outputDir: string): LoggerRecord[] => {
  const [header, ...rows] = readFileSync(join(outputDir, "metrics.csv"), "utf8").trimEnd().split("\n");
  const names = header!.split(",");
  return rows.map((row) => {
    const cells = row.split(",");
    expect(cells).toHaveLength(names.length);
    const filled = names.map((name, i) => [name, cells[i]!] as const).filter(([, cell]) => cell !== "");
    const { step, ...metrics } = Object.fromEntries(filled.map(([name, cell]) => [name, Number(cell)]));
    return { step: step!, metrics };
  });
};

loggerContract("jsonl", jsonl);
loggerContract("csv", csv);
loggerContract("console", undefined, () => new ConsoleLogger({ every: 1 }, screen(true)));

describe("jsonl", () => {
  it("drops a last line that a crash cut short", async () => {
    const outputDir = tempFolder();
    const first = createComponent("logger", "jsonl");
    await first.start!({ outputDir, totalSteps: 3, startStep: 0 });
    await first.step(1, { loss: 1 });
    appendFileSync(join(outputDir, "metrics.jsonl"), '{"step":1,"eval/lo');
    const second = createComponent("logger", "jsonl");
    await second.start!({ outputDir, totalSteps: 3, startStep: 1 });
    await second.step(2, { loss: 2 });
    expect(readFileSync(join(outputDir, "metrics.jsonl"), "utf8")).toBe('{"step":1,"loss":1}\n{"step":2,"loss":2}\n');
  });
});

describe("csv", () => {
  it("adds a column when a metric first appears, and keeps commas in names out of the way", async () => {
    const outputDir = tempFolder();
    const logger = createComponent("logger", "csv");
    await logger.start!({ outputDir, totalSteps: 2, startStep: 0 });
    await logger.step(1, { loss: 1 });
    await logger.step(2, { loss: 2, "a,b": 3 });
    expect(readFileSync(join(outputDir, "metrics.csv"), "utf8")).toBe("step,loss,a;b\n1,1,\n2,2,3\n");
  });
});

/** A terminal, or a pipe, that remembers what was written. */
function screen(isTTY: boolean): { isTTY: boolean; columns: number; text: string; write(text: string): void } {
  return {
    isTTY,
    columns: 72,
    text: "",
    write(text) {
      this.text += text;
    },
  };
}

describe("console", () => {
  const start = { outputDir: "./out", totalSteps: 4, startStep: 0 };

  it("writes a plain line every few steps, and the last, where there is no terminal", () => {
    const pipe = screen(false);
    let seconds = 0;
    const logger = new ConsoleLogger({ every: 3 }, pipe, () => seconds);
    logger.start(start);
    for (const step of [1, 2, 3, 4]) {
      seconds += 2;
      logger.step(step, { epoch: 1, reward: 0.64123, grad_norm: 1.5, learning_rate: 2e-4, "timing/step": 2 });
    }
    expect(pipe.text).toBe(
      "4 steps to take; results go to ./out\n" +
        "step 3/4  reward 0.6412  grad_norm 1.5  learning_rate 2e-4  2.00 s/step  0:02 left\n" +
        "step 4/4  reward 0.6412  grad_norm 1.5  learning_rate 2e-4  2.00 s/step  0:00 left\n",
    );
  });

  it("redraws one bar a step on a terminal and puts lines above it", () => {
    const terminal = screen(true);
    let seconds = 0;
    const logger = new ConsoleLogger({ every: 1 }, terminal, () => seconds);
    logger.start(start);
    seconds = 30;
    logger.step(1, { loss: 2 });
    logger.line("hello");
    // 3 steps of 30 s are left; a quarter of 20 cells is 5.
    const drawn = `1/4 ${"█".repeat(5)}${"░".repeat(15)} 1:30 left  loss 2`;
    expect(terminal.text).toBe(`4 steps to take; results go to ./out\n\r\u001b[2K${drawn}\r\u001b[2Khello\n${drawn}`);
  });

  it("never draws a bar wider than the terminal", () => {
    const terminal = screen(true);
    const logger = new ConsoleLogger({ every: 1 }, terminal);
    logger.start(start);
    logger.step(1, Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`a_rather_long_metric_${i}`, i])));
    expect(terminal.text.split("\u001b[2K").at(-1)!).toHaveLength(71);
  });

  it("says how a run ended", () => {
    const pipe = screen(false);
    const logger = new ConsoleLogger({ every: 1 }, pipe);
    const stats = { steps: 3, totalSteps: 4, outputDir: "./out", backend: "wasm", seconds: 75.2, metrics: {}, interrupted: true };
    logger.end(stats);
    logger.end({ ...stats, steps: 4, interrupted: false });
    expect(pipe.text).toBe(
      "stopped after step 3 of 4; start the same run again to go on from there (./out)\n" + "done: 4 steps in 1:15 on wasm, written to ./out\n",
    );
  });
});

describe("formats", () => {
  it.each([
    [0, "0"],
    [12, "12"],
    [0.641234, "0.6412"],
    [123456.7, "123500"],
    [2e-4, "2e-4"],
    [1.25e-7, "1.25e-7"],
    [4_200_000, "4.2e6"],
    [-0.5, "-0.5"],
    [NaN, "NaN"],
  ])("%d as %s", (value, text) => {
    expect(compactNumber(value)).toBe(text);
  });

  it("clocks", () => {
    expect([7.4, 760, 3723].map(clock)).toEqual(["0:07", "12:40", "1:02:03"]);
  });

  it("bars", () => {
    expect([bar(0, 4, 4), bar(1, 4, 4), bar(4, 4, 4), bar(5, 4, 4), bar(0, 0, 4)]).toEqual(["░░░░", "█░░░", "████", "████", "░░░░"]);
  });

  it("shows what matters first, and an unknown algorithm's own metrics", () => {
    expect(keyMetrics({ epoch: 1, "timing/step": 1, learning_rate: 1, loss: 2, reward: 3, grad_norm: 4 })).toBe("reward 3  loss 2  grad_norm 4  learning_rate 1");
    expect(keyMetrics({ "eval/rewards/a/mean": 1, "eval/loss": 2, "eval/reward": 3 })).toBe("eval/reward 3  eval/loss 2  eval/rewards/a/mean 1");
    expect(keyMetrics({ epoch: 1, margin: 0.5, "memory/rss_gb": 1 })).toBe("margin 0.5");
  });
});
