/** The three measurements and two trainings of the quickstart. */
import { join } from "node:path";
import { TrainingError, type TrainingManager, type TrainStats } from "@verlet/core";
import { createManager } from "@verlet/manager";
import type { Layout } from "./layout.js";
import { StageLogger, type Screen } from "./stage-logger.js";

export interface StageOptions {
  layout: Layout;
  /** The folder with quickstart-sft.yaml and quickstart-grpo.yaml. */
  configs: string;
  screen: Screen;
  backend?: string;
  seed?: number;
}

/** One question with an answer and whether it was right. */
export interface Answer {
  question: string;
  completion: string;
  correct: boolean;
}

export interface Evaluation {
  /** Share of right greedy answers. */
  accuracy: number;
  answers: Answer[];
}

export interface Trained {
  stats: TrainStats;
  /** Of the training itself, the model's loading included. */
  seconds: number;
  /** The stage's own metric, step by step. */
  values: readonly number[];
}

/** Greedy answers of the untrained model to the test questions. */
export async function evaluateUntrained(options: StageOptions): Promise<Evaluation> {
  const manager = await createManager(join(options.configs, "quickstart-grpo.yaml"), {
    overrides: [...grpoOverrides(options), set("model.path", options.layout.model), set("model.init", "random")],
  });
  try {
    return await answerTest(manager, options);
  } finally {
    await manager.dispose();
  }
}

export async function trainSft(options: StageOptions, steps?: number): Promise<Trained> {
  const { layout, screen, configs } = options;
  const logger = new StageLogger(screen, "SFT", "loss");
  const overrides = [
    ...shared(options, steps),
    set("model.path", layout.model),
    set("data.train", join(layout.data, "sft.jsonl")),
    set("trainer.outputDir", layout.sft),
  ];
  const began = performance.now();
  const manager = await createManager(join(configs, "quickstart-sft.yaml"), { overrides, loggers: [logger] });
  try {
    return { stats: await manager.train(), seconds: secondsSince(began), values: logger.values };
  } finally {
    await manager.dispose();
  }
}

/** Measures the model that SFT left, improves it, and measures again. */
export async function trainGrpo(options: StageOptions, steps: number | undefined, onStart: (sft: Evaluation) => void): Promise<Trained & { before: Evaluation; after: Evaluation }> {
  const { layout, screen, configs } = options;
  const logger = new StageLogger(screen, "GRPO", "reward");
  const overrides = [...grpoOverrides(options, steps), set("model.path", layout.sft)];
  const manager = await createManager(join(configs, "quickstart-grpo.yaml"), { overrides, loggers: [logger] });
  try {
    const before = await answerTest(manager, options);
    onStart(before);
    const began = performance.now();
    const stats = await manager.train();
    const seconds = secondsSince(began);
    const after = await answerTest(manager, options);
    return { stats, seconds, values: logger.values, before, after };
  } finally {
    await manager.dispose();
  }
}

function shared({ backend, seed }: StageOptions, steps?: number): string[] {
  return [
    'trainer.loggers=["jsonl"]', // the quickstart has a screen of its own
    ...(steps === undefined ? [] : [set("trainer.maxSteps", steps)]),
    ...(seed === undefined ? [] : [set("trainer.seed", seed)]),
    ...(backend === undefined ? [] : [set("backend", backend)]),
  ];
}

function grpoOverrides(options: StageOptions, steps?: number): string[] {
  const { layout } = options;
  return [
    ...shared(options, steps),
    set("data.train", join(layout.data, "rl.jsonl")),
    "data.eval=null", // measured here, with every answer, rather than by the run
    set("trainer.outputDir", layout.grpo),
  ];
}

/** An override with its value quoted, so that a path may hold any character. */
const set = (key: string, value: string | number): string => `${key}=${JSON.stringify(value)}`;

const secondsSince = (began: number): number => (performance.now() - began) / 1000;

async function answerTest(manager: TrainingManager, { layout }: StageOptions): Promise<Evaluation> {
  const { metrics, details = [] } = await manager.evaluate({ dataPath: join(layout.data, "test.jsonl"), details: true });
  const accuracy = metrics["eval/rewards/accuracy/mean"];
  if (accuracy === undefined) throw new TrainingError({ where: "quickstart", what: "the evaluation has no accuracy", got: Object.keys(metrics).join(", ") });
  const answers = details.map(({ completion, score, row }) => ({ question: String(row.question), completion, correct: score === 1 }));
  return { accuracy, answers };
}
