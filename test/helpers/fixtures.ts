import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { decodeFloats, readSafetensors } from "@verlet/model";

/** Path of a file under test/fixtures. */
export const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));

export const readJson = <T>(path: string): T => JSON.parse(readFileSync(fixture(path), "utf8")) as T;

/** Named arrays of a safetensors fixture as numbers. */
export class Arrays {
  readonly #entries: Awaited<ReturnType<typeof readSafetensors>>;

  private constructor(entries: Awaited<ReturnType<typeof readSafetensors>>) {
    this.#entries = entries;
  }

  static async read(path: string): Promise<Arrays> {
    return new Arrays(await readSafetensors(fixture(path)));
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  floats(name: string): Float32Array {
    const { data, dtype } = this.#entries.get(name)!;
    return decodeFloats(data, dtype);
  }

  ints(name: string): Int32Array {
    const { data } = this.#entries.get(name)!;
    return new Int32Array(data.slice().buffer);
  }

  shape(name: string): number[] {
    return this.#entries.get(name)!.shape;
  }
}

/** The largest absolute difference where `where` is not 0 (everywhere without it). */
export function maxDifference(got: ArrayLike<number>, expected: ArrayLike<number>, where?: ArrayLike<number>): number {
  if (got.length !== expected.length) throw new Error(`lengths differ: ${got.length} and ${expected.length}`);
  let worst = 0;
  for (let i = 0; i < got.length; i++) {
    if (where && !where[i]) continue;
    const difference = Math.abs(got[i]! - expected[i]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

/** ‖got − expected‖ / ‖expected‖. */
export function relativeL2(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) throw new Error(`lengths differ: ${got.length} and ${expected.length}`);
  let error = 0;
  let size = 0;
  for (let i = 0; i < got.length; i++) {
    error += (got[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(error / size);
}
