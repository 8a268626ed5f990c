import { z, type Json } from "@verlet/core";

/** Raised when a reader of the old layout could no longer read the new one. */
export const CHECKPOINT_FORMAT = 2;

export const STATE_FILE = "state.json";
export const OPTIMIZER_FILE = "optimizer.safetensors";
export const CONFIG_FILE = "config.resolved.yaml";

const json: z.ZodType<Json> = z.json();

/** What of an optimizer is no tensor. */
const savedOptimizer = z.strictObject({ step: z.int().nonnegative(), shapes: z.record(z.string(), z.array(z.int().nonnegative())) });

/** `state.json`: everything of a checkpoint that is not a tensor. */
export const checkpointState = z.strictObject({
  format: z.literal(CHECKPOINT_FORMAT),
  /** Optimizer steps done. */
  step: z.int().nonnegative(),
  /** The resolved config the run had. */
  config: json,
  /** State of each random stream, by name. */
  rngs: z.record(z.string(), z.string()),
  loader: json,
  /** The KL controller. */
  kl: json,
  trainer: json,
  manager: json,
  optimizer: savedOptimizer,
  /** Optimizers of the models beside the policy, whose files lie in folders of these names. */
  companions: z.record(z.string(), savedOptimizer),
  /** Metrics of this step, those of its evaluation included; retention picks the best checkpoint by them. */
  metrics: z.record(z.string(), z.number().nullable()),
  /** Size in bytes of every other file, which tells a damaged copy. */
  files: z.record(z.string(), z.int().nonnegative()),
});

export type CheckpointState = z.infer<typeof checkpointState>;
export type SavedOptimizer = z.infer<typeof savedOptimizer>;
