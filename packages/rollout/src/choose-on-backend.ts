import { chooseRows, compile, hasKernels, isNative, rawOp, tf, type Compiled } from "@verlet/backend";
import type { SamplingOptions } from "@verlet/core";
import type { Choice } from "./choice.js";

/** Ids of the vocabulary that are summed before one of them is drawn: a running sum over all of them takes longer than the rest. */
const BLOCK = 128;

/** The likeliest tokens that are sorted for top-p; a row whose nucleus is larger is left open. */
const SORTED = 1024;

/** The largest float32 under 1: a number that rounds up to 1 would draw the last token, however unlikely. */
const BELOW_ONE = 1 - 2 ** -24;

type Filters = Pick<SamplingOptions, "temperature" | "topK" | "topP" | "minP">;

interface Chosen {
  choice: Choice;
  open: number[];
}

interface Input {
  /** [B, V] */
  logits: tf.Tensor2D;
  /** [B, 1], below 1 */
  uniforms: tf.Tensor2D;
  temperature: tf.Scalar;
  topP: tf.Scalar;
  minP: tf.Scalar;
}

/**
 * `chooseOnHost` without a repetition penalty, by verlet's own op where it is there: [B] ids and [B] log-probs come to the host.
 * @returns the choice, and the rows left open: those whose top-p border lies between equal logits, or beyond the tokens that are sorted
 */
export const chooseOnBackend = (logits: tf.Tensor2D, options: Filters, uniforms: Float64Array): Chosen =>
  read(hasKernels() ? chooseRows(logits, belowOne(uniforms), options) : choiceByGraph(logits, options, uniforms), uniforms.length);

const belowOne = (uniforms: Float64Array): Float32Array => Float32Array.from(uniforms, (u) => Math.min(u, BELOW_ONE));

/** The same in plain ops, as one function of the backend. */
export const chooseByGraph = (logits: tf.Tensor2D, options: Filters, uniforms: Float64Array): Chosen => read(choiceByGraph(logits, options, uniforms), uniforms.length);

/** @param result ids, log-probs and what is open, one after the other */
function read(result: tf.Tensor, rows: number): Chosen {
  const numbers = result.dataSync<"float32">();
  result.dispose();
  const choice = { ids: Int32Array.from(numbers.subarray(0, rows)), logProbs: numbers.slice(rows, 2 * rows) };
  return { choice, open: [...choice.ids.keys()].filter((row) => numbers[2 * rows + row] === 1) };
}

const choiceByGraph = (logits: tf.Tensor2D, options: Filters, uniforms: Float64Array): tf.Tensor1D =>
  tf.tidy(() => programFor(options, logits.shape[1])({
    logits,
    uniforms: tf.tensor2d(belowOne(uniforms), [uniforms.length, 1]),
    temperature: tf.scalar(options.temperature),
    topP: tf.scalar(options.topP),
    minP: tf.scalar(options.minP),
  })); // [B + B + B]

/** What of the options shapes the graph; their other numbers are inputs of it. */
interface Form {
  greedy: boolean;
  scaled: boolean;
  topK: number;
  nucleus: boolean;
  floor: boolean;
}

const programs = new Map<string, Compiled<Input, tf.Tensor1D>>();

function programFor({ temperature, topK, topP, minP }: Filters, vocabulary: number): Compiled<Input, tf.Tensor1D> {
  const form: Form = { greedy: temperature === 0, scaled: temperature !== 0 && temperature !== 1, topK: topK < vocabulary ? topK : 0, nucleus: topP < 1, floor: minP > 0 };
  const key = JSON.stringify(form);
  let program = programs.get(key);
  if (!program) programs.set(key, (program = compile((input: Input) => choose(input, form), { name: "the choice of tokens" })));
  return program;
}

/** The ids, exact in float32 up to 2²⁴, the log-probs and 1 for each row left open, one after the other to be read in one transfer. */
function choose({ logits, uniforms, temperature, topP, minP }: Input, { greedy, scaled, topK, nucleus, floor }: Form): tf.Tensor1D {
  const z: tf.Tensor2D = scaled ? tf.div(logits, temperature) : logits;
  const probabilities: tf.Tensor2D = tf.softmax(z); // [B, V]
  const borders: tf.Tensor[] = []; // [B, 1] each: what is below goes
  if (topK > 0) borders.push(column(tf.topk(z, topK).values, topK - 1));
  let open: tf.Tensor | undefined;
  if (nucleus) {
    const { border, unsettled } = nucleusOf(z, keep(probabilities, z, borders), topP);
    borders.push(border);
    open = unsettled;
  }
  if (floor) borders.push(tf.add(tf.max(z, 1, true), tf.log(minP)));
  const weights = keep(probabilities, z, borders); // [B, V]
  const ids = greedy ? tf.reshape(tf.argMax(z, 1), [-1, 1]) : draw(weights, uniforms); // [B, 1]
  const chosen = ofRow(weights, ids); // [B, 1]
  const logProbs = tf.log(borders.length === 0 ? chosen : tf.div(chosen, tf.sum(weights, 1, true)));
  return tf.concat([tf.cast(ids, "float32"), logProbs, open ? tf.cast(open, "float32") : tf.zerosLike(logProbs)].map((x) => tf.reshape(x, [-1]))) as tf.Tensor1D;
}

/** The probabilities of what no border removes, 0 elsewhere. */
function keep(probabilities: tf.Tensor2D, z: tf.Tensor2D, borders: readonly tf.Tensor[]): tf.Tensor2D {
  if (borders.length === 0) return probabilities;
  const border = borders.reduce((a, b) => tf.maximum(a, b));
  return tf.mul(probabilities, tf.cast(tf.greaterEqual(z, border), "float32"));
}

/** The least likely logit that top-p keeps, [B, 1], and where it cannot be told, [B, 1]. */
function nucleusOf(z: tf.Tensor2D, weights: tf.Tensor2D, topP: tf.Scalar): { border: tf.Tensor; unsettled: tf.Tensor } {
  const sorted = Math.min(SORTED, z.shape[1]);
  const { values, indices } = tf.topk(z, sorted); // [B, sorted], the best first
  const own = ofRow(weights, indices);
  const better = tf.cumsum(own, 1, true); // of the tokens before each
  const inside = tf.logicalAnd(tf.less(better, tf.mul(tf.sum(weights, 1, true), topP)), tf.greater(own, 0));
  const one = tf.scalar(1, "int32");
  const count = tf.maximum(tf.sum(tf.cast(inside, "int32"), 1, true), one); // [B, 1]
  const border = ofRow(values, tf.sub(count, one));
  const above = tf.sum(tf.cast(tf.greaterEqual(z, border), "int32"), 1, true); // more than count where equal logits lie on both sides
  const split = tf.notEqual(above, count);
  const cut = tf.equal(count, tf.scalar(sorted, "int32")); // the nucleus may go on beyond what is sorted
  return { border, unsettled: sorted === z.shape[1] ? split : tf.logicalOr(split, cut) };
}

/** The first id whose running sum exceeds u times the total, in two steps: its block, then its place in there. [B, 1], int32 */
function draw(weights: tf.Tensor2D, uniforms: tf.Tensor2D): tf.Tensor {
  const vocabulary = weights.shape[1];
  const blocks = Math.ceil(vocabulary / BLOCK);
  const padded = vocabulary % BLOCK === 0 ? weights : tf.pad(weights, [[0, 0], [0, blocks * BLOCK - vocabulary]]);
  const byBlock: tf.Tensor3D = tf.reshape(padded, [-1, blocks, BLOCK]);
  const sums = tf.sum(byBlock, 2) as tf.Tensor2D; // [B, blocks]
  const ends: tf.Tensor2D = tf.cumsum(sums, 1);
  const target = tf.mul(column(ends, blocks - 1), uniforms); // [B, 1]
  const block = passed(ends, target); // [B, 1]
  const start = ofRow(tf.cumsum(sums, 1, true), block); // [B, 1]
  const within = tf.cumsum(tf.reshape(tf.gather(byBlock, block, 1, 1), [-1, BLOCK]), 1) as tf.Tensor2D; // [B, BLOCK]
  // Rounding must not carry the rest past the block, to a token that cannot be drawn.
  const rest = tf.minimum(tf.maximum(tf.sub(target, start), 0), tf.mul(column(within, BLOCK - 1), BELOW_ONE));
  return tf.add(tf.mul(block, tf.scalar(BLOCK, "int32")), passed(within, rest));
}

/** How many of each row's ascending numbers are at most the limit, but less than all, [B, 1], int32. */
function passed(ascending: tf.Tensor2D, limit: tf.Tensor): tf.Tensor {
  const count = isNative()
    ? rawOp("UpperBound", [ascending, limit], { types: { T: "float32", out_type: "int32" } })[0]!
    : tf.sum(tf.cast(tf.lessEqual(ascending, limit), "int32"), 1, true);
  return tf.minimum(count, tf.scalar(ascending.shape[1] - 1, "int32"));
}

/** Numbers of each row at its own indices, [B, n]. */
const ofRow = (x: tf.Tensor, indices: tf.Tensor): tf.Tensor => tf.gather(x, indices as tf.Tensor2D, 1, 1);

const column = (x: tf.Tensor, index: number): tf.Tensor => tf.gather(x, tf.tensor1d([index], "int32"), 1);
