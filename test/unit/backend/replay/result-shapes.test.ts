/** Each rule against the shapes that TensorFlow gives: what is recorded must be foretold, so that nothing runs singly afterwards. */
import { rawOp, replayCounts, replayed, selectBackend, tf } from "@verlet/backend";
import { beforeAll, expect, it } from "vitest";
import { describeNative } from "../../../helpers/native.js";
import { randomTensor } from "../../../helpers/tensors.js";

type Make = (rows: number) => tf.Tensor | tf.Tensor[];

const x = (rows: number): tf.Tensor3D => randomTensor<tf.Rank.R3>([rows, 4, 6], rows);
const flat = (rows: number): tf.Tensor2D => randomTensor<tf.Rank.R2>([rows, 6], rows);
const ids = (rows: number): tf.Tensor1D => tf.tensor1d(Int32Array.from({ length: rows }, (_, i) => i % 2), "int32");

const cases: Record<string, Make> = {
  "element by element, broadcast": (r) => tf.add(tf.mul(x(r), tf.ones([4, 1])), tf.tensor1d([1, 2, 3, 4, 5, 6])),
  comparison: (r) => tf.where(tf.greater(x(r), 0), x(r), tf.zerosLike(x(r))),
  "unary chain": (r) => tf.sqrt(tf.abs(tf.neg(tf.exp(tf.sigmoid(tf.tanh(tf.relu(x(r)))))))),
  "log and softmax": (r) => [tf.logSoftmax(flat(r)), tf.logSumExp(flat(r), 1), tf.softmax(x(r))],
  clip: (r) => tf.clipByValue(x(r), -0.5, 0.5),
  "sum over the middle": (r) => tf.sum(x(r), 1),
  "sum kept": (r) => tf.sum(x(r), [0, 2], true),
  "sum of all": (r) => tf.sum(x(r)),
  "max, min, mean, product": (r) => [tf.max(x(r), -1), tf.min(x(r), 0), tf.mean(x(r), [1, 2]), tf.prod(flat(r), 0)],
  "any, all": (r) => [tf.any(tf.greater(x(r), 2), 1), tf.all(tf.greater(flat(r), -9), 0)],
  argmax: (r) => tf.argMax(x(r), 2),
  "matrix products": (r) => [tf.matMul(flat(r), flat(r), true, false), tf.matMul(flat(r), flat(r), false, true)],
  "batched products": (r) => [tf.matMul(x(r), x(r), false, true), tf.matMul(x(r), x(r), true, false)],
  "reshape and transpose": (r) => tf.transpose(tf.reshape(x(r), [2, -1, r]), [2, 0, 1]),
  "expand and squeeze": (r) => tf.squeeze(tf.expandDims(x(r), -1), [3]),
  tile: (r) => tf.tile(x(r), [1, 2, 3]),
  slice: (r) => tf.slice(x(r), [0, 1, 2], [-1, 2, 3]),
  concat: (r) => [tf.concat([x(r), x(r)], -1), tf.concat([flat(r), flat(2)], 0)],
  split: (r) => [...tf.split(x(r), 2, -1), ...tf.split(x(r), [1, 2, 3], 2)],
  stack: (r) => [tf.stack([flat(r), flat(r)], 1), tf.stack([flat(r), flat(r)], -1)],
  gather: (r) => [tf.gather(x(r), ids(r)), tf.gather(x(r), ids(r), 2)],
  pad: (r) => tf.pad(flat(r), [[1, 0], [2, 3]]),
  fill: (r) => [tf.fill([r, 2], 3), tf.ones([2, r]), tf.zeros([r])],
  "one-hot": (r) => tf.oneHot(ids(r), 5),
  "segment sum": (r) => tf.unsortedSegmentSum(x(r), ids(r), 3),
  cumsum: (r) => tf.cumsum(flat(r), 1),
  cast: (r) => tf.cast(tf.greater(flat(r), 0), "float32"),
  scatter: (r) => tf.scatterND(tf.reshape(ids(r), [r, 1]), tf.tensor1d(new Float32Array(r).fill(2)), [4]),
  broadcastTo: (r) => tf.broadcastTo(tf.tensor2d([[1, 2, 3]]), [r, 3]),
  "cross-entropy": (r) => rawOp("SparseSoftmaxCrossEntropyWithLogits", [flat(r), ids(r)], { types: { T: "float32", Tlabels: "int32" }, outputs: 2 }),
  "stateless uniform": (r) => rawOp("StatelessRandomUniform", [tf.tensor1d([r, 3], "int32"), tf.tensor1d([r, 7], "int32")], { types: { dtype: "float32", T: "int32", Tseed: "int32" } }),
  "half the squares": (r) => rawOp("L2Loss", [x(r)], { types: { T: "float32" } }),
};

describeNative("shapes foretold", () => {
  beforeAll(async () => void (await selectBackend("native")));

  it.each(Object.entries(cases))("%s", (_, make) => {
    const list = (rows: number): tf.Tensor[] => [make(rows)].flat();
    const seen: number[] = [];
    for (const rows of [3, 3, 5, 8]) {
      tf.tidy(() => {
        const plain = list(rows);
        const before = replayCounts().singleOps;
        const result = replayed(() => tf.tidy(() => list(rows)));
        seen.push(replayCounts().singleOps - before);
        expect(result.map(({ shape }) => shape)).toEqual(plain.map(({ shape }) => shape));
        result.forEach((tensor, i) => [...tensor.dataSync()].forEach((value, k) => expect(Math.abs(value - plain[i]!.dataSync()[k]!)).toBeLessThan(1e-6)));
      });
    }
    expect(seen.slice(1)).toEqual([0, 0, 0]);
  });
});
