import { memoryLimit } from "./memory-limit.js";
import { runMemory, type RunMemory, type RunShape } from "./run-memory.js";

/** The plan's memory, for programs. */
export interface PlannedMemory {
  /** The most of it at one time. */
  peakBytes: number;
  /** What there is; null where no limit is known. */
  availableBytes: number | null;
  /** Not all of it is there at one time. */
  parts: Record<string, number>;
}

export function plannedMemory(shape: RunShape): PlannedMemory {
  const memory = runMemory(shape);
  const limit = memoryLimit();
  return { peakBytes: memory.peak, availableBytes: limit === Infinity ? null : limit, parts: Object.fromEntries(memoryParts(memory)) };
}

/** What a run takes, by part; parts of nothing are left out. */
function memoryParts({ policy, rows, width, reference, companions }: RunMemory): [name: string, bytes: number][] {
  const { process, weights, adapter, gradients, optimizer, activations, logits, rollout } = policy;
  const parts: [string, number][] = [
    ...Object.entries(weights).map(([format, bytes]): [string, number] => [`weights in ${format}`, bytes]),
    ["adapter", adapter],
    ["gradients", gradients],
    ["moments", optimizer],
    [`activations of ${rows} × ${width} tokens`, activations],
    ["logits", logits],
    ["rollouts", rollout],
    ["reference model", reference],
    ...Object.entries(companions).map(([name, { bytes }]): [string, number] => [`${name} with its moments`, bytes]),
    ["Node.js and the backend", process],
  ];
  return parts.filter(([, bytes]) => bytes > 0);
}

export const partsText = (memory: RunMemory): string => memoryParts(memory).map(([name, bytes]) => `${name} ${sizeText(bytes)}`).join(", ");

/** e.g. `38.5 MiB`, `2.22 GiB`. */
export function sizeText(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
