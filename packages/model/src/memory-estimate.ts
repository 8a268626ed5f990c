/** What training a model will take in memory, from its shapes alone. */
import { hasKernels, isNative, keptProbabilities, type ComputeDtype } from "@verlet/backend";
import { frozenFormat, type BaseDtype } from "./base-weights.js";
import type { ModelConfig } from "./config.js";
import { adapterShapes, type LoraConfig } from "./lora.js";
import { weightShapes } from "./weight-names.js";

export interface MemoryQuestion {
  config: ModelConfig;
  lora?: LoraConfig | undefined;
  baseDtype: BaseDtype;
  /** Of matrix products; float32 by default. */
  computeDtype?: ComputeDtype;
  gradientCheckpointing: boolean;
  /** Rows of one forward and backward pass. */
  rows: number;
  /** Tokens of a row, padding included. */
  width: number;
  /** Rows and tokens of a rollout's cache, for algorithms that sample. */
  rollout?: { rows: number; width: number } | undefined;
}

/** Bytes. */
export interface MemoryEstimate {
  /** Node.js and the backend before the first tensor. */
  process: number;
  /** Base weights, by the format that they are kept in. */
  weights: Partial<Record<BaseDtype, number>>;
  adapter: number;
  gradients: number;
  /** AdamW's two moments. */
  optimizer: number;
  /** What the forward pass keeps for the backward pass, and what a layer's backward pass holds. */
  activations: number;
  /** A chunk of logits with what is computed from it. */
  logits: number;
  /** Weights laid out for decoding, keys and values; not there while training. */
  rollout: number;
  /** The most of it at one time. */
  peak: number;
}

const FLOAT = 4;

/** Measured: 370 MB before the first tensor with TensorFlow's library, 130 MB without, and what Node.js and the allocator hold besides once training runs. */
const PROCESS = { native: 600e6, other: 350e6 };

/** `tokenLogProbs` holds at most this many logits at a time, and tensors of their size: with verlet's own ops few. */
const LOGITS = 8 * 2 ** 20;
const logitTensors = (): number => (hasKernels() ? 3 : 5);

/** Tensors that a layer's backward pass makes, against those that its forward pass keeps (measured on Qwen3's shapes). */
const BACKWARD = 0.5;

export function estimateMemory(question: MemoryQuestion): MemoryEstimate {
  const { config, lora, baseDtype, gradientCheckpointing, rows, width } = question;
  const shapes = weightShapes(config);
  const weights: MemoryEstimate["weights"] = {};
  for (const [name, shape] of shapes) {
    const format = lora ? frozenFormat(name, shape, baseDtype) : "float32";
    weights[format] = (weights[format] ?? 0) + storedBytes(shape, format);
  }
  const base = sum(Object.values(weights));
  const adapter = lora ? FLOAT * sum([...adapterShapes(config, lora).values()].map(size)) : 0;
  const trained = lora ? adapter : base;
  const tokens = rows * width;
  const layer = layerBytes(question);
  const kept = gradientCheckpointing ? config.layers * tokens * config.hiddenSize * FLOAT + layer : config.layers * layer;
  const activations = kept + BACKWARD * layer;
  const logits = logitTensors() * FLOAT * Math.min(LOGITS, tokens * config.vocabSize);
  const optimizer = 2 * trained;
  const process = isNative() ? PROCESS.native : PROCESS.other;
  const resident = process + base + adapter + optimizer;
  const sampling = decodingBytes(question);
  const headBlocks = lora ? 0 : (isNative() ? 1 : 2) * FLOAT * config.vocabSize * config.hiddenSize; // its gradient, which comes in blocks: written in place, or joined
  const backward = Math.max(activations + Math.max(logits, headBlocks), trained + (gradientCheckpointing ? (1 + BACKWARD) * layer : activations / 2));
  return { process, weights, adapter, gradients: trained, optimizer, activations, logits, rollout: sampling, peak: resident + Math.max(backward, trained, sampling) };
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function storedBytes(shape: readonly number[], format: BaseDtype): number {
  const count = size(shape);
  switch (format) {
    case "float32":
      return FLOAT * count;
    case "bfloat16":
      return 2 * count;
    case "int8":
      return count + FLOAT * shape[0]!;
    case "int4":
      return count / 2 + (FLOAT * count) / 64;
  }
}

/** What one layer's forward pass keeps for its backward pass. */
function layerBytes({ config, lora, computeDtype = "float32", rows, width }: MemoryQuestion): number {
  const { hiddenSize, heads, kvHeads, headDim, intermediateSize, qkNorm } = config;
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const norms = 4 * hiddenSize + (qkNorm ? queries + keys : 0); // each norm's own result and, for the first two, the layers' input after it
  const attention = 2 * queries + 2 * keys; // q, k, v, and their mix as the output layer takes it
  const mlp = (hasKernels() ? 3 : 4) * intermediateSize; // gate, up, their product, and σ(gate) where that is not computed again
  // a dropped input and its mask for each adapter; all of them are counted, whatever the targets
  const dropped = lora && lora.dropout > 0 ? 2 * (5 * hiddenSize + queries + intermediateSize) : 0;
  return FLOAT * (rows * width * (norms + attention + mlp + dropped) + keptProbabilities(rows * heads, width, computeDtype));
}

/** The weights a second time in the form that decoding takes, and the cache of a whole batch. */
function decodingBytes({ config, computeDtype, rollout }: MemoryQuestion): number {
  if (!rollout) return 0;
  const embedding = config.tiedEmbeddings ? 0 : config.vocabSize * config.hiddenSize; // gathered from, not laid out
  const packed = (computeDtype === "bfloat16" ? 2 : FLOAT) * (sum([...weightShapes(config).values()].map(size)) - embedding);
  return packed + FLOAT * rollout.rows * rollout.width * config.layers * 2 * config.kvHeads * config.headDim;
}
