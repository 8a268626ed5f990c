import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const place = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const { cases } = (await import(place("bench/case-list.mjs"))) as { cases: { name: string; title: string }[] };
const { report } = (await import(place("bench/report.mjs"))) as { report(store: object): string };
const { shapes, weightsOf } = (await import(place("bench/shapes.mjs"))) as {
  shapes: Record<string, { config: object }>;
  weightsOf(config: object): [name: string, shape: number[]][];
};

/** Only calls that end before anything is installed. */
function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [place("scripts/bench.mjs"), ...args], { encoding: "utf8" });
}

describe("npm run bench", () => {
  test("--list names every case, --help every option", () => {
    const { status, stdout } = bench("--list");
    expect(status).toBe(0);
    expect(stdout.trimEnd().split("\n").map((line) => line.split(" ")[0])).toEqual(cases.map(({ name }) => name));
    for (const option of ["--rounds", "--cases", "--backend"]) expect(bench("--help").stdout).toContain(option);
  });

  test.each([
    [["--cases", "sft,nothing"], "[bench] no such case: got nothing, expected some of sft, "],
    [["--rounds", "0"], "[bench] unusable --rounds: got 0, expected a whole number from 1."],
    [["--speed"], "[bench] Unknown option '--speed'"],
  ])("%j is refused", (args, words) => {
    const { status, stderr } = bench(...args);
    expect(status).toBe(1);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain("    at "); // no stack
  });
});

describe("the table", () => {
  const environment = { machine: "a machine", backend: "native", peers: "trl 1", peerThreads: 2 };
  const side = (...rounds: [ms: number[], gigabytes: number, parts?: object][]): object[] => rounds.map(([times, peak, parts]) => ({ times, peak: peak * 1e9, tokens: 1000, parts }));
  const row = (ours: object[], theirs: object[]): object => ({ when: "2026-01-01 10:00", load: 0.1, ours, theirs });
  const lines = (rows: Record<string, object>): string[] => report({ environment, rows }).split("\n");

  test("takes the median of a round's steps, of the rounds, and of their ratios", () => {
    const ours = side([[90, 100, 500], 1], [[200], 1.5], [[100], 1]);
    const theirs = side([[300], 2], [[200], 2], [[250], 2]);
    expect(lines({ sft: row(ours, theirs) })).toContain(
      "| SFT, 4 × 256, full fine-tune, float32 | 10000 tokens/s; 100 ms (100–200) | 4000 tokens/s; 250 ms (200–300) | 2.50× (1.00–3.00) | 1.50 GB / 2.00 GB | ≥ 2.0×: yes | 2026-01-01 10:00, 3 rounds, 0.1 |",
    );
  });

  test("says which goals are missed, and what of a step is what", () => {
    const text = lines({ grpo: row(side([[4000], 2, { sampling: 1000 }]), side([[8000], 3, { sampling: 2500 }])) });
    expect(text.find((line) => line.startsWith("| GRPO"))).toContain("| 2.00× (2.00–2.00) | 2.00 GB / 3.00 GB | ≥ 2.5×: no; peak ≤ 0.5 of the peer's: no |");
    expect(text).toContain("- GRPO step, 8 × 4, 32 + 64 tokens, float32: sampling 1.00 s, the peer's 2.50 s.");
  });

  test("shows a side that failed as such", () => {
    const text = lines({ sft: row(side([[100], 1]), [{ failed: "out of memory" }]) });
    expect(text.find((line) => line.startsWith("| SFT"))).toContain("| 10000 tokens/s; 100 ms (100–100) | failed | – | 1.00 GB / – | ≥ 2.0×: no |");
  });

  test("tells what each doubling of the length adds", () => {
    const rows = Object.fromEntries([512, 1024, 2048].map((width, i) => [`memory-${width}`, row(side([[1], [1, 1.5, 2.5][i]!]), side([[1], [1, 3, 11][i]!]))]));
    const cells = lines(rows).filter((line) => /^\| \d/.test(line)).map((line) => line.split(" | ").slice(0, 3).join(" | "));
    expect(cells).toEqual(["| 512 | 1.00 GB | 1.00 GB", "| 1024 | 1.50 GB (+0.50) | 3.00 GB (+2.00)", "| 2048 | 2.50 GB (+1.00) | 11.00 GB (+8.00)"]);
  });
});

test("the shapes have the sizes they are named after", () => {
  const numbers = (name: string): number => weightsOf(shapes[name]!.config).reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(numbers("a")).toBe(29_369_856);
  expect(numbers("0.6b")).toBe(596_049_920); // as Qwen/Qwen3-0.6B's model card and files have it
});
