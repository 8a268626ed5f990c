import type { ScriptLayer } from "@verlet/config";
import type { RunLogger } from "@verlet/core";
import type { ModelSource } from "./model-source.js";

export interface ManagerOptions {
  /** `trainer.seed=7` and the like, over the config. */
  overrides?: readonly string[];
  /** Keys of the calling script over the config and under the overrides. */
  script?: ScriptLayer;
  /** Events for programs instead of lines for people: one JSON object a line on standard output. */
  json?: boolean;
  /** Further loggers, after those of `trainer.loggers`. */
  loggers?: readonly RunLogger[];
  /** Ends training after its step when aborted, as Ctrl+C does. */
  signal?: AbortSignal;
  /**
   * A run that is stopped leaves its model in the folder too, as one that ends does; stopped before its first step, also a
   * checkpoint to go on from. False by default: such a run leaves checkpoints alone, and before its first step nothing.
   */
  modelOnInterrupt?: boolean;
  /** Brings the model and tokenizer; without it they come from the folder at `model.path`. */
  models?: ModelSource;
}

/** Injection tokens of training managers, besides core's CONFIG. LoadedConfig and ManagerOptions. */
export const LOADED_CONFIG = Symbol.for("verlet.LOADED_CONFIG");
export const MANAGER_OPTIONS = Symbol.for("verlet.MANAGER_OPTIONS");
