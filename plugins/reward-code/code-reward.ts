import { RewardError, registerReward, z } from "@verlet/core";
import type { Reward, RewardContext, RewardSample } from "@verlet/core";
import { CodePool } from "./code-pool.js";
import { extractCode } from "./extract-code.js";
import { readTests } from "./row-tests.js";

const options = z.strictObject({
  functionName: z.string().min(1).optional().describe("the function that {input, output} tests call, where it is the same for all rows"),
  functionColumn: z.string().min(1).default("entry_point").describe("the column with that function's name otherwise"),
  score: z.enum(["share", "all"]).default("share").describe("share of the tests that passed, or 1 only when all did"),
  timeLimit: z.number().gt(0).default(1).describe("seconds for one completion and all its tests"),
  memoryLimit: z.number().gt(0).default(64).describe("MiB for one completion"),
  workers: z.number().int().min(1).default(2).describe("threads that run code"),
});

const MEBIBYTE = 2 ** 20;

/**
 * Runs the completion's JavaScript, its last ```js block or else all of it, against the tests in the row's answer column:
 * - `{ input: [arguments …], output }` calls a function and compares what it returns with `output`, as JSON;
 * - a script passes when it comes to its end: it calls the completion's functions by name, with `assert` as Node's. A script is
 *   one test however many assertions it has; for partial credit give a list of scripts.
 *
 * Code runs in QuickJS in WebAssembly, on threads of its own, within `timeLimit` and `memoryLimit`, and reaches neither files nor
 * network nor this process. Outputs are compared outside it and scripts run in another realm than the completion, so what it
 * does to prototypes, JSON or assert changes no result; values cross as data, so classes, maps and dates do not. Code that is
 * wrong, slow or asynchronous fails its tests; a test that is no synchronous script fails the reward. A row without tests is null.
 *
 * Logged beside the score, as shares of the completions: `loaded`, whose code ran to its end, and `timed_out`.
 */
@registerReward("code", { options, doc: "Share of the row's tests that the completion's JavaScript passes, run in a sandbox." })
export class CodeReward implements Reward {
  readonly #chosen: z.infer<typeof options>;
  readonly #pool: CodePool;

  constructor(chosen: z.infer<typeof options>) {
    this.#chosen = chosen;
    this.#pool = new CodePool(chosen.workers);
  }

  async score(sample: RewardSample, { signal, log }: RewardContext): Promise<number | null> {
    const { score, timeLimit, memoryLimit } = this.#chosen;
    const tests = readTests(sample, this.#chosen);
    if (tests.length === 0) return null;
    const limits = { milliseconds: timeLimit * 1000, bytes: Math.floor(memoryLimit * MEBIBYTE) };
    const { failures, broken, loaded, timedOut } = await this.#pool.run({ code: extractCode(sample.completion), tests, limits }, signal);
    if (broken) throw new RewardError({ where: "reward", what: `test ${broken.test + 1} of the row is wrong itself: ${broken.reason}`, fix: "Correct the row, or set onError: skip" });
    log?.("loaded", Number(loaded));
    log?.("timed_out", Number(timedOut));
    const passed = failures.filter((failure) => failure === null).length;
    return score === "share" ? passed / tests.length : Number(passed === tests.length);
  }
}
