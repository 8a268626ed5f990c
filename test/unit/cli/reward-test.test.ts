import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { histogramOf, summarise, type RewardReport } from "../../../packages/cli/dist/reward-report.js";
import { fixture } from "../../helpers/fixtures.js";
import { verlet } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-reward-test-"));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

file(
  "parts.ts",
  `import { registerReward } from "verlet";
registerReward("strict")(({ row, completion }) => {
  if (row.question === "bad") throw new Error("no such question");
  return completion === "" ? null : completion.length;
});
`,
);
const data = file(
  "rows.jsonl",
  lines([
    { question: "6 * 7", answer: 42, data_source: "a" },
    { question: "two", answer: "2", solution: "1 + 1 #### 2", data_source: "b" },
    { question: "bad", answer: "3", data_source: "a" },
    { question: "empty", answer: "", data_source: "b" },
    { question: "wrong", answer: "4", solution: "#### 5", data_source: "b" },
  ]),
);
const yaml = file(
  "run.yaml",
  `algorithm: grpo
plugins: [./parts.ts]
model: { path: ${fixture("models/qwen3")} }
data: { train: ${data}, columns: { prompt: question } }
rewards: [ { name: accuracy, weight: 2 }, strict ]
trainer: { outputDir: ${join(folder, "out")} }
`,
);

async function report(args: readonly string[]): Promise<{ code: number | null; report: RewardReport & Record<string, unknown> }> {
  const { code, stdout, stderr } = await verlet(["reward", "test", yaml, ...args, "--json"]);
  if (stdout === "") throw new Error(stderr);
  return { code, report: JSON.parse(stdout) as RewardReport & Record<string, unknown> };
}

describe("the data set's own answers", () => {
  test("are scored by every reward, and rows that stand out are listed, worst first", async () => {
    const { code, report: found } = await report([]);
    expect(code).toBe(1); // a reward failed
    expect(found).toMatchObject({ config: yaml, data, columns: ["completion", "solution", "answer"], rows: 5 });
    const [accuracy, strict] = found.rewards;
    // accuracy: 42, 2 and 3 are right, the empty answer cannot be compared with, 5 is not 4
    expect(accuracy).toMatchObject({ name: "accuracy", weight: 2, mean: 0.75, std: 0.5, min: 0, max: 1, unscored: 1, errors: 0 });
    expect(accuracy!.histogram).toEqual([{ from: 0, to: 0, count: 1 }, { from: 1, to: 1, count: 3 }]);
    // strict: lengths of "42", "1 + 1 #### 2" and "#### 5"; one failed, one null
    expect(strict).toMatchObject({ name: "strict", weight: 1, mean: 20 / 3, min: 2, max: 12, unscored: 2, errors: 1 });
    // 2 + 2, 2 + 12, 2 alone, nothing, 0 + 6
    expect(found.score).toMatchObject({ mean: 6.5, min: 2, max: 14, unscored: 1 });
    expect(found.score).not.toHaveProperty("weight");
    expect(found.odd.map(({ where, reason, score }) => [where, reason, score])).toEqual([[`${data}:3`, "error", 2], [`${data}:4`, "null", null]]);
    expect(found.odd[0]!.failures!.strict).toMatch(/\[reward strict .*\] it threw: no such question, on sample 3/);
    expect(found.metrics).toEqual({ "rewards/accuracy/a/mean": 1, "rewards/accuracy/b/mean": 0.5, "rewards/strict/a/mean": 2, "rewards/strict/b/mean": 9 });
  });

  test("for people: a table, bars, and rows with their texts", async () => {
    const { code, stdout } = await verlet(["reward", "test", yaml, "--limit", "5", "rewards=[accuracy]"]);
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      `5 rows of ${data}, each with its own answer (completion, solution, answer)`,
      "",
      "reward    weight  mean  std  min  max  null  failed",
      "accuracy  1       0.75  0.5  0    1    20 %  0",
      "score             0.75  0.5  0    1    20 %",
      "",
      "accuracy",
      "  0  ████████ 1",
      "  1  ████████████████████████ 3",
      "",
      "measured besides",
      "  rewards/accuracy/a/mean  1",
      "  rewards/accuracy/b/mean  0.5",
      "",
      "2 rows failed, went unscored or scored 0",
      `  ${data}:4  accuracy null`,
      '      prompt      "empty"',
      '      completion  ""',
      `  ${data}:5  accuracy 0`,
      '      prompt      "wrong"',
      '      completion  "#### 5"',
      "",
    ]);
  });

  test("the manager of the YAML runs the rewards, and completions have the tokens of their text", async () => {
    const manager = "rewardManager={name: dapo, maxResponseLength: 3, overlongBufferLength: 2, penaltyFactor: 0.5}";
    const { report: found } = await report([manager, "rewards=[accuracy]", "rollout.maxNewTokens=3", "--limit", "2"]);
    // "42" and the stop token against a long solution: the penalty is at its bound for the second
    expect(found.metrics["overlong_penalty/ratio"]).toBe(1);
    expect(found.score.min).toBe(0.5);
    expect(found.rewards[0]!.mean).toBe(1);
  });
});

test("the sandbox of the reward code does not keep the process alive", async () => {
  const rows = file("code.jsonl", lines([{ question: "add", entry_point: "add", answer: [{ input: [1, 2], output: 3 }], solution: "const add = (a, b) => a + b;" }]));
  const { code, report: found } = await report([`data.train=${rows}`, "rewards=[code]"]);
  expect({ code, mean: found.rewards[0]!.mean }).toEqual({ code: 0, mean: 1 });
});

describe("completions of a run", () => {
  const rollouts = file(
    "step-000010.jsonl",
    lines([
      { step: 10, group: 0, prompt: "two", completion: "#### 2", rewards: {}, score: 1, advantage: 0, finished: true },
      { step: 10, group: 0, prompt: "two", completion: "#### 3", rewards: {}, score: 0, advantage: 0, finished: false },
    ]),
  );

  test("find their rows by the prompt", async () => {
    const { code, report: found } = await report(["--rollouts", rollouts, 'rewards=[{ name: accuracy, options: { requireStop: true } }]']);
    expect({ code, rows: found.rows, mean: found.rewards[0]!.mean }).toEqual({ code: 0, rows: 2, mean: 0.5 });
    expect(found).toMatchObject({ rollouts, odd: [{ where: `${rollouts}:2`, reason: "zero", prompt: "two", completion: "#### 3" }] });
  });

  test("of verlet eval --details bring their rows along", async () => {
    const details = file("details.jsonl", lines([{ prompt: "<u>any", completion: "7", finished: true, score: 1, rewards: {}, row: { answer: "7" } }]));
    expect((await report(["--rollouts", details, "rewards=[accuracy]"])).report.rewards[0]!.mean).toBe(1);
  });

  test.each<[string, object, RegExp]>([
    ["a prompt of another data set", { prompt: "three", completion: "3" }, /\[.*odd\.jsonl:1\] its prompt is that of no row of data\.train: got "three"\. Give the YAML of the run/],
    ["a line without a completion", { prompt: "two" }, /\[.*odd\.jsonl:1\] the line is no rollout: got columns prompt, expected "prompt" and "completion" as text/],
  ])("%s is named", async (_, line, words) => {
    const { code, stderr } = await verlet(["reward", "test", yaml, "--rollouts", file("odd.jsonl", lines([line]))]);
    expect(code).toBe(1);
    expect(stderr).toMatch(words);
  });
});

describe("what cannot be tested is said", () => {
  const bare = file("bare.jsonl", lines([{ question: "a" }]));
  const sft = file("sft.yaml", `algorithm: sft\nmodel: { path: ${fixture("models/qwen3")} }\ndata: { train: ${data} }\n`);

  test.each<[string, string[], RegExp]>([
    ["a row without an answer", [yaml, `data.train=${bare}`], /\[.*bare\.jsonl:1\] the row has no answer of its own: got columns question, expected one of the columns completion, solution, answer\./],
    ["an algorithm without rewards", [sft], /there is nothing to test: got algorithm sft, which uses no rewards/],
    ["no such rollouts", [yaml, "--rollouts", "nowhere.jsonl"], /\[--rollouts nowhere\.jsonl\] no such file/],
    ["no such YAML", ["nowhere.yaml"], /nowhere\.yaml/],
  ])("%s", async (_, args, words) => {
    const { code, stdout, stderr } = await verlet(["reward", "test", ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(words);
  });
});

describe("numbers of a reward", () => {
  test("few values have a bin each, many share eight of equal width, and no value is lost", () => {
    expect(histogramOf([1, 0, 1, 1])).toEqual([{ from: 0, to: 0, count: 1 }, { from: 1, to: 1, count: 3 }]);
    const values = Array.from({ length: 17 }, (_, i) => i / 2); // 0, 0.5 … 8
    const bins = histogramOf(values);
    expect(bins.map(({ from, to }) => [from, to])).toEqual(Array.from({ length: 8 }, (_, i) => [i, i + 1]));
    expect(bins.map(({ count }) => count)).toEqual([2, 2, 2, 2, 2, 2, 2, 3]);
    const odd = Array.from({ length: 100 }, (_, i) => 0.1 * ((i * 37) % 11) - 0.3);
    expect(histogramOf(odd).reduce((sum, { count }) => sum + count, 0)).toBe(100);
  });

  test("nothing is measured where nothing was scored", () => {
    expect(summarise("x", [null, null])).toEqual({ name: "x", unscored: 2, errors: 0, histogram: [] });
    expect(summarise("x", [3])).toEqual({ name: "x", mean: 3, min: 3, max: 3, unscored: 0, errors: 0, histogram: [{ from: 3, to: 3, count: 1 }] });
  });
});
