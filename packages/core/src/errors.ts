/**
 * The few error classes of verlet. Every message has one form:
 *   [where] what failed: got X, expected Y. Do Z.
 */

export interface ErrorParts {
  /** The file position, plugin, tensor or sample that is at fault, e.g. `grpo.yaml:4:11` or `reward accuracy`. */
  where: string;
  /** What failed, in a few words. */
  what: string;
  got?: string;
  expected?: string;
  /** The way out, an imperative sentence; its final stop is added. */
  fix?: string;
}

/** Words an error in the one form that all of verlet's errors share. */
export function describeError({ where, what, got, expected, fix }: ErrorParts): string {
  const comparison = [got && `got ${got}`, expected && `expected ${expected}`].filter(Boolean).join(", ");
  const sentence = comparison ? `${what}: ${comparison}.` : `${what}.`;
  const end = fix && !/[.?!]$/.test(fix) ? "." : "";
  return `[${where}] ${sentence}${fix ? ` ${fix}${end}` : ""}`;
}

/** Base of all errors that verlet throws on purpose; the command line prints these without a stack. */
export class VerletError extends Error {
  readonly parts: ErrorParts;

  constructor(parts: ErrorParts, options?: { cause?: unknown }) {
    super(describeError(parts), options);
    this.name = new.target.name;
    this.parts = parts;
  }
}

/** Something in the YAML or on the command line; may carry several problems at once. */
export class ConfigError extends VerletError {
  readonly problems: readonly ErrorParts[];

  constructor(problems: ErrorParts | readonly ErrorParts[]) {
    const all = Array.isArray(problems) ? (problems as readonly ErrorParts[]) : [problems as ErrorParts];
    super(all[0]!);
    this.problems = all;
    this.message = all.map(describeError).join("\n");
  }
}

/** A name that is taken, unknown, or registered too late; a plugin that cannot be loaded. */
export class RegistryError extends VerletError {}

/** A tensor of the wrong shape or type. */
export class ShapeError extends VerletError {}

/** Rows, files or checkpoints of data that cannot be read as what they should be. */
export class DataError extends VerletError {}

/** A reward that threw, hung, or returned something that is not a finite number or null. */
export class RewardError extends VerletError {}

/** No usable TensorFlow, or one that failed. */
export class BackendError extends VerletError {}

/** A checkpoint or model folder that cannot be read or written. */
export class CheckpointError extends VerletError {}

/** A model folder with an unsupported architecture, a missing tensor or a broken weight file. */
export class ModelError extends VerletError {}

/** A run that cannot go on: the loss is NaN, no group is left to train on. */
export class TrainingError extends VerletError {}
