import { selectBackend, tf } from "@verlet/backend";
import { RotaryAngles } from "../../../packages/model/dist/rotary-table.js";
import { beforeAll, expect, test } from "vitest";

const config = { headDim: 8, ropeTheta: 10_000, ropeScaling: { type: "default" } } as const;

beforeAll(async () => void (await selectBackend("cpu")));

/** [cos, signed sin] */
const numbers = (angles: RotaryAngles, positions: number[], rows: number): number[][] =>
  tf.tidy(() => {
    const { cos, signedSin } = angles.table(positions, rows, positions.length / rows);
    expect(cos.shape).toEqual([rows, positions.length / rows, 1, 8]);
    return [cos, signedSin].map((x) => [...x.dataSync()]);
  }) as unknown as number[][];

test("angles of the same positions, asked for again, and of others in between are those of a first time", () => {
  const angles = new RotaryAngles(config);
  for (const [positions, rows] of [[[0, 1, 2, 3], 1], [[0, 1, 2, 3], 2], [[0, 1, 2], 1], [[3, 1, 2], 1], [[0, 1, 2, 3], 1]] as const) {
    expect(numbers(angles, [...positions], rows)).toEqual(numbers(new RotaryAngles(config), [...positions], rows));
  }
});

test("who writes into a table's memory changes no later one", () => {
  const angles = new RotaryAngles(config);
  const [first] = numbers(angles, [5], 1);
  tf.tidy(() => void angles.table([5], 1, 1).cos.dataSync().fill(7));
  expect(numbers(angles, [5], 1)[0]).toEqual(first);
});
