/**
 * `advantage: { module: ./my-algos.ts, function: computeMine }`: an advantage straight from a function.
 *
 * Two signatures are taken, told apart by the number of parameters:
 * - up to two: verlet's own, `(input: AdvantageInput, options) => { advantages, returns }`;
 * - three or more: VERL's, `(tokenLevelRewards, eosMask, index, epsilon) => [advantages, returns]`, with the
 *   rewards and the mask [B, C], the group number of each row [B], and `epsilon` from the options (1e-6).
 */
import { ShapeError, registry } from "@verlet/core";
import type { AdvantageFn, AdvantageInput, AdvantageOutput, RegistryEntry } from "@verlet/core";
import { z } from "zod";
import { loadFunction, userEntry } from "./custom-function.js";
import { displayPath } from "./read-tree.js";

type Matrix = AdvantageOutput["advantages"];
export type VerlAdvantageFn = (
  tokenLevelRewards: Matrix,
  eosMask: Matrix,
  index: Int32Array,
  epsilon: number,
) => readonly [Matrix, Matrix];

export interface CustomAdvantage {
  entry: RegistryEntry<"advantage">;
  module: string;
  function: string;
}

/** The options of an advantage in VERL's form. */
export const verlAdvantageOptions = z.strictObject({
  epsilon: z.number().gt(0).default(1e-6).describe("Fourth argument of the function."),
});

/**
 * Loads the function and registers it as `custom:<file>#<function>`.
 * @param hints names that decide between several functions when `functionName` is left out, the first one first.
 * @throws RegistryError when the module or a fitting function is not found.
 */
export async function loadCustomAdvantage(
  spec: string,
  functionName: string | undefined,
  hints: readonly string[],
  folder: string,
): Promise<CustomAdvantage> {
  const { target, file, name } = await loadFunction({ spec, folder, word: "advantage", hints, ...(functionName !== undefined && { name: functionName }) });
  return { entry: register(target, file, name), module: file, function: name };
}

function register(target: Function, file: string, name: string): RegistryEntry<"advantage"> {
  const entryName = `custom:${displayPath(file)}#${name}`;
  const known = registry.find("advantage", entryName);
  if (known) return known;
  const isVerl = target.length >= 3;
  const entry = userEntry({
    kind: "advantage",
    name: entryName,
    target: isVerl ? verlAdvantage(target as VerlAdvantageFn, entryName) : wrapOwn(target as AdvantageFn, entryName),
    options: isVerl ? verlAdvantageOptions : target.length < 2 ? z.strictObject({}) : z.looseObject({}),
    source: file,
  });
  registry.add(entry);
  return entry;
}

function wrapOwn(compute: AdvantageFn, name: string): AdvantageFn {
  return (input, options) => checked(name, input, compute(input, options));
}

/** A function in VERL's form as an advantage; `name` is for messages. @throws ShapeError unless it gives [advantages, returns], both [B, C]. */
export function verlAdvantage(compute: VerlAdvantageFn, name: string): AdvantageFn {
  return (input, options) => {
    const pair: unknown = compute(input.tokenRewards, input.mask, input.groups, options.epsilon as number);
    const [advantages, returns] = Array.isArray(pair) ? (pair as Matrix[]) : [];
    return checked(name, input, { advantages, returns } as AdvantageOutput);
  };
}

function checked(name: string, { mask }: AdvantageInput, output: AdvantageOutput): AdvantageOutput {
  for (const key of ["advantages", "returns"] as const) {
    const shape = (output as Partial<AdvantageOutput> | undefined)?.[key]?.shape;
    if (shape?.join() === mask.shape.join()) continue;
    throw new ShapeError({
      where: `advantage ${name}`,
      what: key,
      got: shape ? `[${shape.join(", ")}]` : "no tensor",
      expected: `[B, C] = [${mask.shape.join(", ")}]`,
    });
  }
  return output;
}
