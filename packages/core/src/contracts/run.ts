import type { Row } from "../batch.js";
import type { DataError } from "../errors.js";
import type { Metrics } from "./values.js";

export interface EvalResult {
  metrics: Metrics;
  /** One record per question, when asked for. */
  details?: { prompt: string; completion: string; score: number | null; rewards: Record<string, number | null>; row: Row }[];
}

export interface TrainStats {
  steps: number;
  totalSteps: number;
  outputDir: string;
  backend: string;
  seconds: number;
  /** The last step's metrics. */
  metrics: Metrics;
  evaluation?: Metrics;
  /** True when Ctrl+C or an AbortSignal ended the run early; what was trained is saved. */
  interrupted: boolean;
}

export interface TrainingManager {
  /** `overrides`: `trainer.epochs=2` and the like, over the configuration for this run alone. */
  train(options?: { dataPath?: string; outputDir?: string; overrides?: readonly string[] }): Promise<TrainStats>;
  evaluate(options?: { dataPath?: string; details?: boolean }): Promise<EvalResult>;
  save(path: string): Promise<void>;
  load(path: string): Promise<void>;
  dispose(): Promise<void>;
}

/** Receives what happens in a run. */
export interface RunLogger {
  /** True when it writes for people on the terminal; such a logger is left out where the output is for machines. */
  readonly screen?: boolean;
  /** `startStep`: steps already done when the run starts, 0 unless it was resumed; records after it are to be dropped. */
  start?(info: { outputDir: string; totalSteps: number; startStep: number }): void | Promise<void>;
  step(step: number, metrics: Metrics): void | Promise<void>;
  evaluation?(step: number, metrics: Metrics): void | Promise<void>;
  checkpoint?(step: number, folder: string): void | Promise<void>;
  line?(text: string): void;
  end?(stats: TrainStats): void | Promise<void>;
}

/** Reads rows from one kind of file, or from another place that a path can name. */
export interface DatasetReader {
  /** True when its data sets consist of named splits such as train and test; others are asked for none. */
  readonly hasSplits?: boolean;
  /** True when this reader takes the path. */
  accepts(path: string): boolean;
  /**
   * Rows with their place in the file, for messages.
   * @param split one split's name; without it the only one there is.
   */
  read(path: string, split?: string, listeners?: ReadListeners): Promise<readonly Row[]>;
}

/** Who is told what while rows are read. */
export interface ReadListeners {
  /** Takes a line for the user, about what takes a while. */
  log?: (line: string) => void;
  /** Takes the error of a row that cannot be read, which is then left out. Without it the first such error is thrown, as always by a reader that cannot go on after one. */
  broken?: (error: DataError) => void;
}
