import { compile, selectBackend, tf } from "@verlet/backend";
import { afterEach, beforeAll, expect, it } from "vitest";
import { describeOnBackends } from "../../helpers/backends.js";
import { describeNative } from "../../helpers/native.js";

type Input = { x: tf.Tensor2D; weight: tf.Tensor2D; tail?: tf.Tensor2D };

/** Products, a list of inputs, a split, a reduction, constants and a part that may be absent. */
function layer({ x, weight, tail }: Input): { out: tf.Tensor2D; halves: tf.Tensor[]; tail?: tf.Tensor2D } {
  const y = tf.tanh(tf.add(tf.matMul(x, weight), 0.1)) as tf.Tensor2D;
  const grown = tail && (tf.concat([tail, tf.ones([tail.shape[0], 1])], 1) as tf.Tensor2D);
  return { out: tf.mul(y, tf.rsqrt(tf.add(tf.sum(tf.square(y), -1, true), 1e-6))) as tf.Tensor2D, halves: tf.split(y, 2, 1), ...(grown && { tail: tf.softmax(grown) }) };
}

const inputs = (rows: number, tail?: number): Input => ({
  x: tf.randomNormal([rows, 6], 0, 1, "float32", rows),
  weight: tf.randomNormal([6, 4], 0, 1, "float32", 3),
  ...(tail && { tail: tf.randomNormal<tf.Rank.R2>([rows, tail], 0, 1, "float32", tail) }),
});

const numbers = (result: ReturnType<typeof layer>): number[] => [result.out, ...result.halves, ...(result.tail ? [result.tail] : [])].flatMap((t) => [...t.dataSync()]);

describeOnBackends("compile", () => {
  it("gives what the function gives, call after call, whatever the lengths", () => {
    const compiled = compile(layer, { name: "test" });
    for (const [rows, tail] of [[2, 3], [2, 4], [2, 5], [2, 9], [3, 5], [2, 5], [3, 6], [3, 7], [2, undefined], [2, undefined], [2, 8]] as const) {
      tf.tidy(() => {
        const input = inputs(rows, tail);
        const [expected, result] = [layer(input), compiled(input)];
        expect(Object.keys(result)).toEqual(Object.keys(expected));
        expect(result.tail?.shape).toEqual(expected.tail?.shape);
        const difference = numbers(result).map((value, i) => Math.abs(value - numbers(expected)[i]!));
        expect(Math.max(...difference)).toBeLessThan(1e-6); // TensorFlow may fuse what it runs as one graph
      });
    }
    compiled.dispose();
  });

  it("reads variables anew in each call", () => {
    const weight = tf.variable(tf.ones([2, 2]));
    const compiled = compile(({ w, x }: { w: tf.Tensor; x: tf.Tensor }) => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), { name: "test" });
    const value = (): number => tf.tidy(() => compiled({ w: weight, x: tf.ones([1, 2]) }).dataSync()[0]!);
    expect([value(), value()]).toEqual([2, 2]);
    tf.tidy(() => weight.assign(tf.fill([2, 2], 3)));
    expect(value()).toBe(6);
    weight.dispose();
  });

  it("may give an input back", () => {
    const compiled = compile(({ x }: { x: tf.Tensor }) => ({ x, twice: tf.mul(x, 2) }), { name: "test" });
    for (let i = 0; i < 3; i++) tf.tidy(() => void expect([...compiled({ x: tf.scalar(i) }).x.dataSync()]).toEqual([i]));
  });

  it("leaves no tensor behind", () => {
    const compiled = compile(layer, { name: "test" });
    const call = (tail: number): void => void tf.tidy(() => void compiled(inputs(2, tail)));
    [3, 4, 5].forEach(call);
    const before = tf.memory().numTensors;
    [6, 7, 3].forEach(call);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("keeps the results where a scope is open, and frees what the function made", () => {
    const compiled = compile(({ x }: { x: tf.Tensor }) => tf.square(tf.add(x, 1)), { name: "test" });
    const x = tf.scalar(2);
    const before = tf.memory().numTensors;
    const results = [compiled({ x }), compiled({ x }), compiled({ x })];
    expect(results.map((r) => r.dataSync()[0])).toEqual([9, 9, 9]);
    expect(tf.memory().numTensors).toBe(before + 3);
    tf.dispose([x, ...results]);
  });
});

describeNative("compile on the native backend", () => {
  let lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  beforeAll(async () => void (await selectBackend("native")));
  afterEach(() => void (lines = []));

  /** Times the function itself ran. */
  function counted<I, O>(fn: (input: I) => O, limit?: number) {
    let runs = 0;
    const compiled = compile((input: I) => { runs += 1; return fn(input); }, { name: "test", log, ...(limit && { limit }) });
    return { compiled, runs: () => runs };
  }

  it("traces once a shape, and no more once two lengths have given the same graph", () => {
    const { compiled, runs } = counted(layer);
    const call = (rows: number, tail: number): void => void tf.tidy(() => void compiled(inputs(rows, tail)));
    call(2, 3);
    call(2, 3);
    expect(runs()).toBe(1);
    call(2, 4);
    expect(runs()).toBe(2);
    [5, 6, 70].forEach((tail) => call(2, tail));
    expect(runs()).toBe(2);
    call(5, 70); // the rows are a constant of tf.ones([rows, 1])
    expect(runs()).toBe(3);
  });

  it("never uses a graph for a length that is one of its constants", () => {
    const { compiled, runs } = counted(({ x }: { x: tf.Tensor }) => tf.mul(x, x.shape[0]!)); // the length itself is a number in there
    for (const n of [2, 3, 4, 3]) tf.tidy(() => void expect([...compiled({ x: tf.ones([n]) }).dataSync()]).toEqual(new Array(n).fill(n)));
    expect(runs()).toBe(3);
  });

  it.each([
    ["reads a computed value", ({ x }: { x: tf.Tensor }) => tf.mul(x, tf.add(x, 1).dataSync()[0]!), "test runs op by op: it reads a computed value"],
    ["uses a tensor that is no input", (() => { const outside = tf.keep(tf.scalar(3)); return ({ x }: { x: tf.Tensor }) => tf.mul(tf.add(outside, x), x); })(), "test runs op by op: it uses a tensor that is not among its inputs"],
  ])("a function that %s goes on op by op and says so once", (_, fn, said) => {
    const { compiled } = counted(fn);
    for (const n of [1, 2, 5]) tf.tidy(() => void expect(compiled({ x: tf.scalar(n) }).dataSync()[0]).toBe(fn({ x: tf.scalar(n) }).dataSync()[0]));
    expect(lines).toEqual([said]);
  });

  it("forgets the graph that was not used for longest", () => {
    const { compiled, runs } = counted(({ x }: { x: tf.Tensor }) => tf.mul(x, x.shape[0]!), 2);
    const call = (n: number): void => void tf.tidy(() => void compiled({ x: tf.ones([n]) }));
    [1, 2, 1, 3].forEach(call); // 2 goes
    expect(runs()).toBe(3);
    call(1);
    expect(runs()).toBe(3);
    call(2);
    expect(runs()).toBe(4);
  });

  it("an error in the function is the caller's, and leaves the backend as it was", () => {
    const { compiled } = counted(({ x }: { x: tf.Tensor }): tf.Tensor => { throw new Error(`no ${x.shape.length}`); });
    expect(() => compiled({ x: tf.ones([2]) })).toThrow("no 1");
    expect(tf.add(1, 2).dataSync()[0]).toBe(3);
    expect(lines).toEqual([]);
  });
});
