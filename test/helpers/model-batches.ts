import { gradientsOf, tf } from "@verlet/backend";
import type { Parameter, TokenBatch } from "@verlet/core";
import type { CausalLM } from "@verlet/model";
import { globalNorm } from "@verlet/optim";
import { maxDifference, type Arrays } from "./fixtures.js";
import { replayedResult } from "./tensors.js";

/** A padded batch of a fixture, and the same rows as the model trains on them: padding moved to the right. */
export interface FixtureBatch {
  ids: Int32Array;
  mask: Int32Array;
  labels: Int32Array;
  rows: number;
  width: number;
  /** One column wider than the fixture, so that the last token of a row has a place after it to select. */
  tokens: TokenBatch;
  /** Where each token of `tokens` lies in the fixture, row · width + t. */
  source: (row: number, t: number) => number;
}

export function fixtureBatch(arrays: Arrays, prefix = ""): FixtureBatch {
  const [rows, width] = arrays.shape(`${prefix}input_ids`) as [number, number];
  const [ids, mask, labels] = ["input_ids", "attention_mask", "labels"].map((name) => arrays.ints(prefix + name)) as [Int32Array, Int32Array, Int32Array];
  const first = Array.from({ length: rows }, (_, row) => mask.indexOf(1, row * width) - row * width);
  const lengths = Int32Array.from({ length: rows }, (_, row) => mask.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0));
  const source = (row: number, t: number): number => row * width + first[row]! + t;
  const tokens: TokenBatch = { ids: new Int32Array(rows * (width + 1)), lengths, rows, width: width + 1 };
  for (let row = 0; row < rows; row++) for (let t = 0; t < lengths[row]!; t++) tokens.ids[row * (width + 1) + t] = ids[source(row, t)]!;
  return { ids, mask, labels, rows, width, tokens, source };
}

/** The places t ≥ 1 up to and including the one after the last token, and where their predictor lies in the fixture. */
function predictedPlaces({ rows, tokens, source }: FixtureBatch): { positions: number[]; predictors: number[]; isToken: boolean[] } {
  const places = Array.from({ length: rows }, (_, row) => row).flatMap((row) =>
    Array.from({ length: tokens.lengths[row]! }, (_, i) => ({ row, t: i + 1 })),
  );
  return {
    positions: places.map(({ row, t }) => row * tokens.width + t),
    predictors: places.map(({ row, t }) => source(row, t - 1)),
    isToken: places.map(({ row, t }) => t < tokens.lengths[row]!),
  };
}

/** By how much log-probs of every next token, and the entropy at every token, differ from the fixture's; the largest. */
export function logProbErrors(model: CausalLM, arrays: Arrays, side: string, batch: FixtureBatch): { logProbs: number; entropy: number } {
  const { positions, predictors, isToken } = predictedPlaces(batch);
  const [logProbs, entropy] = tf.tidy(() => {
    const both = model.logProbs(batch.tokens, { positions: Int32Array.from(positions) }, { temperature: 1, entropy: true });
    return [both.logProbs.dataSync(), both.entropy!.dataSync()];
  });
  const [expectedLogProbs, expectedEntropy] = [arrays.floats(`${side}.logprobs`), arrays.floats(`${side}.entropy`)]; // [rows, width − 1], entry t is of token t + 1; [rows, width]
  const { width } = batch;
  const ofTokens = predictors.map((p, i) => (isToken[i] ? expectedLogProbs[Math.floor(p / width) * (width - 1) + (p % width)]! : 0));
  return { logProbs: maxDifference(logProbs!, ofTokens, isToken.map(Number)), entropy: maxDifference(entropy!, predictors.map((p) => expectedEntropy[p]!)) };
}

/** The places with a label, as transformers shifts them: a row's first token is never predicted. */
export function labelledPlaces({ rows, tokens, source, labels }: FixtureBatch): Int32Array {
  const positions: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let t = 1; t < tokens.lengths[row]!; t++) if (labels[source(row, t)] !== -100) positions.push(row * tokens.width + t);
  }
  return Int32Array.from(positions);
}

export interface LossAndGradients {
  loss: number;
  globalNorm: number;
  /** By parameter name. */
  gradients: Map<string, Float32Array>;
}

/** Mean negative log-prob of the labelled tokens with the gradients of everything that is trained, as one graph where the backend makes those. */
export const lossAndGradients = (model: CausalLM, batch: FixtureBatch): LossAndGradients => replayedResult(() => pass(model, batch));

function pass(model: CausalLM, batch: FixtureBatch): LossAndGradients {
  const positions = labelledPlaces(batch);
  const trainable: readonly Parameter[] = model.trainable;
  const { value, gradients } = gradientsOf(
    () => tf.neg(tf.mean(model.logProbs(batch.tokens, { positions }, { temperature: 1 }).logProbs)) as tf.Scalar,
    trainable.map(({ variable }) => variable),
  );
  const result: LossAndGradients = {
    loss: value.dataSync()[0]!,
    globalNorm: globalNorm(gradients),
    gradients: new Map(trainable.map(({ name }, i) => [name, Float32Array.from(gradients[i]!.dataSync())])),
  };
  tf.dispose([value, gradients]);
  return result;
}

export const l2 = (values: ArrayLike<number>): number => Math.sqrt(Array.from(values).reduce((a, b) => a + b * b, 0));
