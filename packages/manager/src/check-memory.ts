/** The run that cannot fit: it says so before it starts, with the keys that would make it fit. */
import { TrainingError, type ErrorParts } from "@verlet/core";
import { memoryFixes, type MemoryFix } from "./memory-fixes.js";
import { memoryLimit } from "./memory-limit.js";
import { partsText, sizeText } from "./memory-text.js";
import { leastMemory, runMemory, weightBytes, type RunShape } from "./run-memory.js";

/**
 * Before weights are loaded: whether the least that the run can be is more than there is. Rows are not read yet, so the keys
 * that are named fit with the longest rows that the config allows.
 * @throws TrainingError unless `trainer.memoryCheck` is "warn"
 */
export function checkWeights(shape: RunShape, limit = memoryLimit()): void {
  if (shape.config.trainer.memoryCheck === "warn") return; // said once, with the rows as they are
  const { policy, reference, companions, peak } = leastMemory(shape);
  if (peak <= limit) return;
  const models = [["weights", weightBytes(policy)], ["a reference model", reference], ...Object.entries(companions).map(([name, { bytes }]) => [name, bytes] as const)] as const;
  const texts = models.filter(([, bytes]) => bytes > 0).map(([name, bytes]) => `${sizeText(bytes)} of ${name}`);
  throw new TrainingError(refusal(shape, limit, `${sizeText(peak)} for weights, gradients and moments before the first row (${texts.join(", ")})`));
}

/**
 * Before the first step: whether the run with its rows fits.
 * @param log takes the one line that `trainer.memoryCheck: warn` leaves of the error
 * @throws TrainingError naming the keys that would make it fit
 */
export function checkMemory(shape: RunShape, log: (line: string) => void, limit = memoryLimit()): void {
  const memory = runMemory(shape);
  if (memory.peak <= limit) return;
  const got = `about ${sizeText(memory.peak)} at one time (${partsText(memory)})`;
  if (shape.config.trainer.memoryCheck === "stop") throw new TrainingError(refusal(shape, limit, got));
  log(`memory: this run may not fit: it takes ${got}, and there are ${sizeText(limit)}. ${fixesText(memoryFixes(shape, limit))}`);
}

function refusal(shape: RunShape, limit: number, got: string): ErrorParts {
  const fixes = fixesText(memoryFixes(shape, limit));
  return { where: "memory", what: "this run cannot fit", got, expected: `at most the ${sizeText(limit)} there are`, fix: `${fixes} This is an estimate; trainer.memoryCheck: warn starts the run all the same.` };
}

function fixesText(fixes: readonly MemoryFix[]): string {
  if (fixes.length === 0) return "Take a smaller model, or a machine with more memory.";
  const texts = fixes.map(({ changes, peak }) => `${changes.map(({ key, value }) => `${key}: ${value}`).join(" and ")} (${sizeText(peak)})`);
  return `Set ${texts.join(", or ")}.`;
}
