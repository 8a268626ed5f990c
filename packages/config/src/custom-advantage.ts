/**
 * `advantage: { module: ./my-algos.ts, function: computeMine }`: an advantage straight from a function.
 *
 * Two signatures are taken, told apart by the number of parameters:
 * - up to two: verlet's own, `(input: AdvantageInput, options) => { advantages, returns }`;
 * - three or more: VERL's, `(tokenLevelRewards, eosMask, index, epsilon) => [advantages, returns]`, with the
 *   rewards and the mask [B, C], the group number of each row [B], and `epsilon` from the options (1e-6).
 */
import { RegistryError, ShapeError, registry } from "@verlet/core";
import type { AdvantageFn, AdvantageInput, AdvantageOutput, RegistryEntry } from "@verlet/core";
import { z } from "zod";
import { importModule, loadFailure, resolveModule } from "./module-loader.js";
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

const verlOptions = z.strictObject({
  epsilon: z.number().gt(0).default(1e-6).describe("Fourth argument of the function."),
});

/**
 * Loads the function and registers it as `custom:<file>#<function>`.
 * @param algorithm decides between several functions when `functionName` is left out.
 * @throws RegistryError when the module or a fitting function is not found.
 */
export async function loadCustomAdvantage(
  spec: string,
  functionName: string | undefined,
  algorithm: string,
  folder: string,
): Promise<CustomAdvantage> {
  const file = resolveModule(spec, folder, "module");
  const exported = await importModule(file).catch((error: unknown) => {
    throw loadFailure(`module ${spec}`, file, error);
  });
  const name = functionName ?? searchFunction(spec, exported, algorithm);
  const target = exported[name];
  if (typeof target !== "function") {
    throw new RegistryError({
      where: `module ${spec}`,
      what: `no function \`${name}\``,
      got: `the exports ${Object.keys(exported).join(", ") || "none"}`,
      expected: "an exported function of that name",
    });
  }
  return { entry: register(target, file, name), module: file, function: name };
}

/** The only exported function, or the only one named for an advantage, or the only such one for this algorithm. */
function searchFunction(spec: string, exported: Record<string, unknown>, algorithm: string): string {
  const functions = Object.keys(exported).filter((name) => typeof exported[name] === "function");
  const named = functions.filter((name) => /advantage/i.test(name));
  const fitting = named.filter((name) => name.toLowerCase().includes(algorithm.toLowerCase()));
  const only = [functions, named, fitting].find((names) => names.length === 1);
  if (only) return only[0]!;
  throw new RegistryError({
    where: `module ${spec}`,
    what: functions.length === 0 ? "exports no function" : "several functions fit",
    got: (named.length > 0 ? named : functions).join(", ") || `the exports ${Object.keys(exported).join(", ") || "none"}`,
    expected: `one whose name holds "advantage"${named.length > 1 ? ` and "${algorithm}"` : ""}`,
    fix: functions.length === 0 ? "Export the function" : "Say which one with `function:`",
  });
}

function register(target: Function, file: string, name: string): RegistryEntry<"advantage"> {
  const entryName = `custom:${displayPath(file)}#${name}`;
  const known = registry.find("advantage", entryName);
  if (known) return known;
  const isVerl = target.length >= 3;
  const entry: RegistryEntry<"advantage"> = {
    kind: "advantage",
    name: entryName,
    target: isVerl ? wrapVerl(target as VerlAdvantageFn, entryName) : wrapOwn(target as AdvantageFn, entryName),
    options: isVerl ? verlOptions : target.length < 2 ? z.strictObject({}) : z.looseObject({}),
    needs: {},
    uses: [],
    defaults: {},
    provides: [],
    source: file,
    package: "",
    version: "",
    doc: "A function of yours.",
  };
  registry.add(entry);
  return entry;
}

function wrapOwn(compute: AdvantageFn, name: string): AdvantageFn {
  return (input, options) => checked(name, input, compute(input, options));
}

function wrapVerl(compute: VerlAdvantageFn, name: string): AdvantageFn {
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
