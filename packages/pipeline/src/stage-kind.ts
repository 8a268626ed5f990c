import type { Json, Metrics, z } from "@verlet/core";
import type { Mapping } from "@verlet/config/nodes";
import type { Expectations } from "./expectations.js";
import type { StageRecord } from "./records.js";

/** What a stage may be, as `uses:` names it: one entry of a table, made of its options and what is done with them. */
export interface StageKind<Options = Readonly<Record<string, unknown>>> {
  readonly name: string;
  /** One sentence. */
  readonly doc: string;
  /** Strict; its keys stand beside `name`, `uses` and `expect`. */
  readonly options: z.ZodObject;
  /** What later stages may refer to, in words. */
  readonly outputs: string;
  /**
   * Checks all that can be checked before anything runs, and says what the stage will read and leave.
   * @throws ConfigError with everything that is wrong.
   */
  prepare(options: Options, setup: StageSetup): Promise<PreparedStage>;
}

export interface StageSetup {
  readonly name: string;
  /** The stage's own folder, where everything that it writes goes. */
  readonly folder: string;
  /** The stage as written, references to other stages replaced. */
  readonly node: Mapping;
  /** Keys for the configuration of every stage that has one. */
  readonly common: Mapping | undefined;
  /** The stages before it. */
  readonly earlier: readonly StageSummary[];
}

export interface StageSummary {
  readonly name: string;
  readonly uses: string;
  readonly expect: Expectations;
}

export interface PreparedStage {
  /** What decides the result beside the content of `files`; the stage runs again when it differs. */
  readonly settings: Json;
  /** Files and folders that it reads. */
  readonly files: readonly string[];
  /** What later stages may refer to: known before it runs, such as the folder of a model still to be trained. */
  readonly outputs: Readonly<Record<string, Json>>;
  /** Files that are there once it is done. */
  readonly products: readonly string[];
  /** True where `run` itself listens for Ctrl+C and ends early. */
  readonly interruptible?: boolean;
  /** Whether its folder holds something to go on from; without it the stage always starts over. */
  canResume?(): Promise<boolean>;
  run(context: StageContext): Promise<StageResult>;
}

export interface StageContext {
  /** What the stages before it measured. */
  readonly earlier: readonly StageRecord[];
  /** Ends an `interruptible` stage early when aborted; others are not told. */
  readonly signal: AbortSignal | undefined;
  /** Events for programs instead of lines for people on standard output. */
  readonly json: boolean;
  /** Says a line to people. */
  line(text: string): void;
}

export interface StageResult {
  /** What was measured, by name. */
  readonly metrics: Metrics;
  /** What else is to be told of it, such as steps and backend. */
  readonly facts?: Readonly<Record<string, string | number>>;
  /** Where it stopped, in words, when it was ended early. */
  readonly interrupted?: string;
}
