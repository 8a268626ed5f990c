/**
 * What a component may have injected: `constructor(@inject(TOKENIZER) tokenizer: ChatTokenizer, …)`.
 * The manager fills one container per run; symbols are global so that two copies of this package agree on them.
 */
import "reflect-metadata";
import { container } from "tsyringe";
import type { DependencyContainer } from "tsyringe";

/** The component's own validated options. */
export const OPTIONS = Symbol.for("verlet.OPTIONS");
/** The whole resolved configuration (`ResolvedConfig` of @verlet/config). */
export const CONFIG = Symbol.for("verlet.CONFIG");
/** ChatTokenizer */
export const TOKENIZER = Symbol.for("verlet.TOKENIZER");
/** Policy */
export const POLICY = Symbol.for("verlet.POLICY");
/** AbortSignal of the run. */
export const SIGNAL = Symbol.for("verlet.SIGNAL");
/** ConfiguredReward[], for reward managers. */
export const REWARDS = Symbol.for("verlet.REWARDS");
/** The name of the column that holds the answer, `data.columns.answer` or "answer". */
export const ANSWER_COLUMN = Symbol.for("verlet.ANSWER_COLUMN");

export { inject } from "tsyringe";
export type { DependencyContainer } from "tsyringe";

/** An empty container of its own for one run. */
export function createRunContainer(): DependencyContainer {
  return container.createChildContainer();
}
