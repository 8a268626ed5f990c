/** `verlet bench`: a few steps of a run as its YAML describes it, timed, and sampling by itself. */
import { withThreads, type BackendInfo, type BackendName } from "@verlet/backend";
import { loadConfig, type LoadedConfig, type ResolvedConfig } from "@verlet/config";
import { registry, Rng, type ChatTokenizer, type Policy } from "@verlet/core";
import { buildRun, huggingFaceFolder, openSession, runMemory, sizeText, throughput, type LiveRun } from "@verlet/manager";
import type { JsonFlag } from "../options.js";
import { compact, note, print, printJson, progress, table } from "../output.js";
import { peakMemory } from "../peak-memory.js";
import { writeRandomRows } from "../random-rows.js";

export interface BenchFlags extends JsonFlag {
  backend?: BackendName;
  steps: number;
  warmUp: number;
  random?: number;
}

/** Median, least and most. */
interface Spread {
  median: number;
  least: number;
  most: number;
}

interface BenchReport {
  algorithm: string;
  backend: string;
  tensorflow: string | null;
  device: string;
  threads: number | null;
  /** Timed steps. */
  steps: number;
  step: { ms: Spread; tokensPerSecond: Spread | null; generateMs: number | null; rewardMs: number | null };
  /** One token for each of so many rows at a time. */
  sampling: { rows: number; ms: Spread };
  /** `estimatedBytes`: as the plan of the run has it. */
  memory: { trainedNumbers: number; peakBytes: number; estimatedBytes: number | null };
}

const PROMPT_TOKENS = 16;
const NEW_TOKENS = 32;
const SAMPLINGS = 3;

export async function bench(yaml: string, overrides: readonly string[], { backend, steps, warmUp, random, json }: BenchFlags): Promise<void> {
  const all = backend === undefined ? overrides : [...overrides, `backend=${backend}`];
  const report = await (random === undefined ? measure(await loadConfig(yaml, all), warmUp, steps) : onRandomRows(yaml, all, random, warmUp, steps));
  if (json) printJson(report);
  else print(describe(report));
}

async function onRandomRows(yaml: string, overrides: readonly string[], tokens: number, warmUp: number, steps: number): Promise<BenchReport> {
  const { config } = await loadConfig(yaml, overrides);
  const tokenizer = await huggingFaceFolder.loadTokenizer(config.model);
  const rows = await writeRandomRows(tokenizer, config, tokens);
  try {
    return await measure(await loadConfig(yaml, [...overrides, ...rows.overrides]), warmUp, steps);
  } finally {
    await rows.remove();
  }
}

async function measure(loaded: LoadedConfig, warmUp: number, steps: number): Promise<BenchReport> {
  const { config } = loaded;
  const session = await openSession(loaded, huggingFaceFolder, config);
  try {
    const run = await buildRun(session, loaded, note);
    try {
      const step = await timeSteps(run, warmUp, steps);
      const trained = [run.policy, ...run.companions.all.map(({ model }) => model)];
      const trainedNumbers = trained.flatMap(({ trainable }) => trainable).reduce((sum, { variable }) => sum + variable.size, 0);
      const memory = { trainedNumbers, peakBytes: peakMemory(), estimatedBytes: run.shape ? runMemory(run.shape).peak : null };
      const sampling = await timeSampling(session.policy, session.tokenizer, config);
      return { algorithm: config.algorithm.name, ...computer(session.backend), steps, step, sampling, memory };
    } finally {
      run.dispose();
    }
  } finally {
    session.dispose();
  }
}

async function timeSteps(run: LiveRun, warmUp: number, steps: number): Promise<BenchReport["step"]> {
  const times: number[] = [];
  const rates: number[] = [];
  const parts: Record<string, number[]> = { generate: [], reward: [] };
  for (let i = 1; i <= warmUp + steps; i++) {
    progress(`step ${i} of ${warmUp + steps}`);
    run.step = i;
    run.times.take();
    const started = performance.now();
    const result = await run.trainer.step();
    const ms = performance.now() - started;
    if (i <= warmUp) continue;
    times.push(ms);
    rates.push(...Object.values(throughput(result, ms)));
    const measured = run.times.take();
    for (const part in parts) parts[part]!.push(...(measured[`timing/${part}`] === undefined ? [] : [1000 * measured[`timing/${part}`]!]));
  }
  progress("");
  const middle = (values: readonly number[]): number | null => (values.length > 0 ? spread(values).median : null);
  return { ms: spread(times), tokensPerSecond: rates.length > 0 ? spread(rates) : null, generateMs: middle(parts.generate!), rewardMs: middle(parts.reward!) };
}

/** As many rows at once as the algorithm samples; those of a training step where it samples none. */
async function timeSampling(policy: Policy, tokenizer: ChatTokenizer, { algorithm, rollout, trainer }: ResolvedConfig): Promise<BenchReport["sampling"]> {
  const samples = registry.get("trainer", algorithm.name).uses.includes("rollout");
  const all = samples ? trainer.batchSize * rollout.numGenerations : trainer.batchSize;
  const rows = samples && rollout.batchSize > 0 ? Math.min(rollout.batchSize, all) : all;
  const rng = new Rng(trainer.seed);
  const prompt = Array.from({ length: PROMPT_TOKENS }, () => tokenizer.eosTokenId); // any token is as fast as another
  const options = { ...rollout, maxNewTokens: NEW_TOKENS, stopTokenIds: [] };
  const times: number[] = [];
  for (let i = 0; i <= SAMPLINGS; i++) {
    progress(`sampling ${i} of ${SAMPLINGS}`);
    const started = performance.now();
    await policy.generate(Array.from({ length: rows }, () => prompt), options, rng);
    if (i > 0) times.push((performance.now() - started) / NEW_TOKENS);
  }
  progress("");
  return { rows, ms: spread(times) };
}

function computer({ name, tensorflowVersion, device, threads }: BackendInfo): Pick<BenchReport, "backend" | "tensorflow" | "device" | "threads"> {
  return { backend: name, tensorflow: tensorflowVersion ?? null, device, threads: threads ?? null };
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)]!, sorted[Math.ceil((sorted.length - 1) / 2)]!];
  return { median: (low + high) / 2, least: sorted[0]!, most: sorted.at(-1)! };
}

function describe({ algorithm, backend, tensorflow, device, threads, steps, step, sampling, memory }: BenchReport): string {
  const range = ({ median, least, most }: Spread, unit: string): string => `${compact(tenth(median))} ${unit} (${compact(tenth(least))}–${compact(tenth(most))})`;
  const parts = Object.entries({ sampling: step.generateMs, rewards: step.rewardMs }).flatMap(([name, ms]) => (ms === null ? [] : [`${name} ${compact(tenth(ms))} ms`]));
  return table([
    ["backend", `${backend}${tensorflow ? ` (TensorFlow ${tensorflow})` : ""} on ${withThreads(device, threads ?? undefined)}`],
    ["algorithm", algorithm],
    ["step", `${range(step.ms, "ms")}, ${steps} timed${parts.length > 0 ? `; of it ${parts.join(", ")}` : ""}`],
    ...(step.tokensPerSecond ? [["training", range(step.tokensPerSecond, "tokens/s")]] : []),
    ["sampling", `${range(sampling.ms, "ms")} a token, ${sampling.rows} rows at once`],
    ["memory", `${sizeText(memory.peakBytes)} at most while training${memory.estimatedBytes === null ? "" : ` (${sizeText(memory.estimatedBytes)} estimated)`}; ${memory.trainedNumbers} trained numbers`],
  ]);
}

const tenth = (value: number): number => Math.round(10 * value) / 10;
