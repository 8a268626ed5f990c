import { expect, test } from "vitest";
import type { PolicyBatch } from "@verlet/core";
import { BatchReplay, type TrainingBatch } from "@verlet/rl";

/** Five rows of three tokens after prompts of one; every number names its row. */
function batch(more: Partial<PolicyBatch> = {}): PolicyBatch {
  const cells = (scale: number): Float32Array => Float32Array.from({ length: 15 }, (_, i) => scale * Math.floor(i / 3));
  return {
    tokens: { ids: Int32Array.from({ length: 20 }, (_, i) => Math.floor(i / 4)), lengths: Int32Array.of(4, 3, 2, 4, 3), rows: 5, width: 4 },
    completionWidth: 3,
    promptLengths: Int32Array.of(1, 1, 1, 1, 1),
    mask: cells(0).fill(1),
    sampledLogProbs: cells(-1),
    oldLogProbs: cells(-2),
    advantages: cells(1),
    ...more,
  };
}

const fresh = (policy: PolicyBatch): (() => Promise<TrainingBatch>) => async () => ({ policy, rollouts: [], metrics: { reward: 1 } });
const fail = async (): Promise<never> => expect.fail("sampled again");
const rowsOf = ({ advantages, tokens }: PolicyBatch): number[] => Array.from({ length: tokens.rows }, (_, row) => advantages[row * 3]!);

test("two passes over two parts are four updates, in order, and only the first reports what was sampled", async () => {
  const replay = new BatchReplay({ iterations: 2, miniBatches: 2 });
  const seen: number[][] = [];
  const metrics: object[] = [];
  for (let update = 0; update < 4; update++) {
    const part = await replay.next(update === 0 ? fresh(batch()) : fail);
    seen.push(rowsOf(part));
    metrics.push(replay.updated(new Float32Array(part.mask.length), { update }));
  }
  expect(seen).toEqual([[0, 1], [2, 3, 4], [0, 1], [2, 3, 4]]);
  expect(metrics).toEqual([{ metrics: { reward: 1, update: 0 }, rollouts: [] }, { metrics: { update: 1 } }, { metrics: { update: 2 } }, { metrics: { update: 3 } }]);
  expect(rowsOf(await replay.next(fresh(batch({ advantages: new Float32Array(15).fill(9) }))))).toEqual([9, 9]); // a new batch
});

test("every array of a part is cut at its rows", async () => {
  const cells = (): Float32Array => Float32Array.from({ length: 15 }, (_, i) => i);
  const replay = new BatchReplay({ iterations: 1, miniBatches: 2 });
  await replay.next(fresh(batch({ refLogProbs: cells(), values: cells(), returns: cells() })));
  replay.updated(new Float32Array(), {});
  const part = await replay.next(fail);
  expect({ ...part.tokens, ids: [...part.tokens.ids], lengths: [...part.tokens.lengths] }).toEqual({ ids: [2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4], lengths: [2, 4, 3], rows: 3, width: 4 });
  expect(part.promptLengths).toHaveLength(3);
  for (const key of ["refLogProbs", "values", "returns"] as const) expect([...part[key]!]).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14]);
  expect([...part.oldLogProbs!]).toEqual([-4, -4, -4, -6, -6, -6, -8, -8, -8]);
});

test("parts keep the old log-probs they came with; a whole batch takes those of its first update", async () => {
  const parts = new BatchReplay({ iterations: 2, miniBatches: 2 });
  const before = await parts.next(fresh(batch()));
  parts.updated(Float32Array.of(7, 7, 7, 7, 7, 7), {});
  parts.updated(new Float32Array(9), {});
  expect((await parts.next(fail)).oldLogProbs).toEqual(before.oldLogProbs);

  const whole = new BatchReplay({ iterations: 3, miniBatches: 1 });
  const { oldLogProbs: _, ...without } = batch();
  expect(await whole.next(fresh(without))).not.toHaveProperty("oldLogProbs");
  whole.updated(new Float32Array(15).fill(-3), {});
  whole.updated(new Float32Array(15).fill(-4), {});
  expect([...(await whole.next(fail)).oldLogProbs!]).toEqual(new Array(15).fill(-3));
});

test("more parts than rows: the empty ones hold nothing, the others one row each", async () => {
  const replay = new BatchReplay({ iterations: 1, miniBatches: 7 });
  const sizes: number[] = [];
  for (let update = 0; update < 7; update++) {
    sizes.push((await replay.next(update === 0 ? fresh(batch()) : fail)).tokens.rows);
    replay.updated(new Float32Array(), {});
  }
  expect(sizes.toSorted()).toEqual([0, 0, 1, 1, 1, 1, 1]);
});

test("resumed between two parts it goes on with the same part, bit for bit", async () => {
  const section = { iterations: 2, miniBatches: 3 };
  const replay = new BatchReplay(section);
  await replay.next(fresh(batch({ refLogProbs: Float32Array.from({ length: 15 }, (_, i) => i / 7), values: new Float32Array(15).fill(0.1), returns: new Float32Array(15).fill(0.3) })));
  for (let update = 1; update < 6; update++) {
    replay.updated(new Float32Array(), {});
    const copy = new BatchReplay(section);
    copy.restore(JSON.parse(JSON.stringify(replay.state())) as never);
    expect(await copy.next(fail), `after update ${update}`).toEqual(await replay.next(fail));
  }
});
