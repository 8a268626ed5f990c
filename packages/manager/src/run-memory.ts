/** What a run will take in memory, from its configuration and its model's shapes alone. */
import { needsReference, type ResolvedConfig } from "@verlet/config";
import { registry, type CompanionKind } from "@verlet/core";
import { estimateMemory, type LoraConfig, type MemoryEstimate, type MemoryQuestion, type ModelConfig } from "@verlet/model";

/** The shapes of a model and of its adapter: a folder's config files tell them before a weight is read. */
export interface ModelShape {
  readonly config: ModelConfig;
  readonly lora: LoraConfig | undefined;
}

/** All that the memory of a run depends on. */
export interface RunShape {
  readonly config: ResolvedConfig;
  readonly model: ModelShape;
  /** Tokens of the longest row, of its prompt where completions are sampled; without it the longest that the config allows. */
  readonly longest: number | undefined;
  /** The models that are trained beside the policy, by name. */
  readonly companions: Readonly<Record<string, CompanionKind>>;
}

export interface CompanionMemory {
  /** Its own weights and moments; its pass comes before or after the policy's. */
  readonly bytes: number;
  readonly trained: number;
}

/** Bytes. */
export interface RunMemory {
  readonly policy: MemoryEstimate;
  /** Rows and tokens of the widest forward and backward pass. */
  readonly rows: number;
  readonly width: number;
  /** A reference model of its own; 0 where it is the policy without its adapter. */
  readonly reference: number;
  /** Numbers that the optimizer trains. */
  readonly trained: number;
  readonly companions: Readonly<Record<string, CompanionMemory>>;
  /** The most of it at one time. */
  readonly peak: number;
}

/** At most: the longest row may never meet the other long ones, and completions may end early. */
export function runMemory(shape: RunShape): RunMemory {
  const { rows, width, rolloutRows } = batchShape(shape);
  return memoryOf(shape, { rows, width, rollout: rolloutRows > 0 ? { rows: rolloutRows, width } : undefined });
}

/** The smallest that the run can be: a row of two tokens at a time. */
export function leastMemory(shape: RunShape): RunMemory {
  return memoryOf(shape, { rows: 1, width: 2, rollout: samples(shape.config) ? { rows: 1, width: 2 } : undefined });
}

/** Whether the algorithm samples completions. */
export const samples = ({ algorithm }: ResolvedConfig): boolean => registry.get("trainer", algorithm.name).uses.includes("rollout");

/** Rows and tokens of the widest pass, and the rows sampled at a time (0 where nothing is sampled). */
export function batchShape({ config, longest = Infinity }: RunShape): { rows: number; width: number; rolloutRows: number } {
  const { trainer, data, rollout, loss } = config;
  const atOnce = (size: number, all: number): number => (size > 0 ? Math.min(size, all) : all);
  if (!samples(config)) return { rows: atOnce(trainer.microBatchSize, trainer.batchSize), width: Math.min(longest, data.maxLength), rolloutRows: 0 };
  const all = trainer.batchSize * rollout.numGenerations;
  return {
    rows: atOnce(trainer.microBatchSize, Math.ceil(all / loss.miniBatches)),
    width: Math.min(longest, data.maxPromptTokens) + rollout.maxNewTokens,
    rolloutRows: atOnce(rollout.batchSize, all),
  };
}

function memoryOf(shape: RunShape, { rows, width, rollout }: Pick<MemoryQuestion, "rows" | "width" | "rollout">): RunMemory {
  const { model: section, trainer } = shape.config;
  const { config, lora } = shape.model;
  const question = { config, lora, baseDtype: section.baseDtype, computeDtype: section.computeDtype, gradientCheckpointing: trainer.gradientCheckpointing, rows, width };
  const policy = estimateMemory({ ...question, rollout });
  // a fresh adapter's reference is the policy with the adapter off; everything else is loaded a second time
  const reference = needsReference(shape.config) && !section.lora ? weightBytes(policy) + policy.adapter : 0;
  const companions = Object.fromEntries(Object.entries(shape.companions).map(([name, kind]) => [name, companionMemory(kind, question)]));
  const beside = sum(Object.values(companions).map(({ bytes }) => bytes));
  return { policy, rows, width, reference, trained: policy.gradients / FLOAT, companions, peak: policy.peak + reference + beside };
}

const FLOAT = 4;

/** Under an adapter it borrows the policy's frozen weights. A critic has a head of one row and its bias in place of the vocabulary's. */
function companionMemory(kind: CompanionKind, question: MemoryQuestion): CompanionMemory {
  const { config, lora } = question;
  const { weights, adapter, optimizer, gradients } = estimateMemory({ ...question, config: kind === "critic" ? { ...config, tiedEmbeddings: true } : config });
  const head = kind === "critic" ? config.hiddenSize + 1 : 0;
  return { bytes: (lora ? adapter : sum(Object.values(weights))) + optimizer + 3 * FLOAT * head, trained: gradients / FLOAT + head };
}

export const weightBytes = ({ weights }: MemoryEstimate): number => sum(Object.values(weights));

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
