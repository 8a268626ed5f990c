/**
 * The quickstart: make a tiny tokenizer and data set, train a small model by SFT from random weights, improve it by GRPO
 * with a verifiable reward, and show what each stage brought. Runs the YAMLs quickstart-sft and quickstart-grpo.
 */
import { resolve } from "node:path";
import { activeBackend, describeBackend, setupNative } from "@verlet/backend";
import { reportError } from "../report-error.js";
import { layoutOf, prepareFiles } from "./layout.js";
import type { Screen } from "./stage-logger.js";
import { evaluateUntrained, trainGrpo, trainSft, type StageOptions } from "./stages.js";
import { summary, type Results } from "./summary.js";

export interface QuickstartOptions {
  /** The folder with the two YAMLs. */
  configs: string;
  outputDir?: string;
  /** Set the native backend up first and train on it. */
  native?: boolean;
  backend?: string;
  seed?: number;
  sftSteps?: number;
  grpoSteps?: number;
  /** End with one line of JSON on standard output; everything else goes to standard error. */
  json?: boolean;
  /** Seconds since the command was started. */
  setupSeconds(): number;
}

const INTERRUPTED = 130;

/** @returns the exit status */
export async function quickstart(options: QuickstartOptions): Promise<number> {
  try {
    return await run(options);
  } catch (error) {
    return reportError(error);
  }
}

async function run({ configs, outputDir = "output/quickstart", native, backend, seed, sftSteps, grpoSteps, json, setupSeconds }: QuickstartOptions): Promise<number> {
  const screen: Screen = json ? process.stderr : process.stdout;
  const say = (text: string): void => void screen.write(`${text}\n`);
  const layout = layoutOf(resolve(outputDir));
  if (native) await setupNative({ log: (line) => say(`  ${line}`) });
  await prepareFiles(layout);
  const options: StageOptions = { layout, configs, screen, ...(backend !== undefined && { backend }), ...(seed !== undefined && { seed }) };
  const setup = setupSeconds();

  say(`Ready after ${setup.toFixed(0)} s. A model of 0.4 million random numbers answers the test questions …`);
  const untrained = await evaluateUntrained(options);
  const computer = activeBackend();
  if (computer) say(`  ${describeBackend(computer)[0]}`);
  say(`  ${percent(untrained.accuracy)} right. SFT on 4,000 demonstrations:`);
  const sft = await trainSft(options, sftSteps);
  if (sft.stats.interrupted) return stopped(say);
  const grpo = await trainGrpo(options, grpoSteps, ({ accuracy }) => say(`  ${percent(accuracy)} right. GRPO on questions without demonstrations:`));
  if (grpo.stats.interrupted) return stopped(say);

  const results: Results = {
    accuracy: { initial: untrained.accuracy, sft: grpo.before.accuracy, grpo: grpo.after.accuracy },
    backend: grpo.stats.backend,
    seconds: { setup: tenths(setup), sft: tenths(sft.seconds), grpo: tenths(grpo.seconds) },
  };
  say(summary(results, layout, grpo.values, grpo.before, grpo.after));
  if (json) process.stdout.write(`${JSON.stringify({ ...results, outputDir: layout.root })}\n`);
  return 0;
}

function stopped(say: (text: string) => void): number {
  say("Stopped. The next quickstart starts over.");
  return INTERRUPTED;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const tenths = (seconds: number): number => Math.round(10 * seconds) / 10;
