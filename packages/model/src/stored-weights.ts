/** Weights between variables and the files of a model folder. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tf } from "@verlet/backend";
import { ADAPTER_WEIGHTS } from "./adapter-files.js";
import { weightOf, type FrozenParameter, type Weight } from "./base-weights.js";
import { encodeFloats, toSafetensorsDtype, weightDtypes, type SafetensorsDtype, type WeightDtype } from "./dtype.js";
import { mergedWeight, type LoraPair } from "./lora.js";
import { adapterParametersFrom, disposeParameters, loadParameters, type ParameterMap, type StoredParameter } from "./parameters.js";
import { readSafetensors, writeSafetensors, type TensorToWrite } from "./safetensors.js";
import { SINGLE_FILE } from "./weight-files.js";

/** A tensor on its way into a file. */
export interface WritableTensor {
  name: string;
  /** The format it was read in. */
  dtype: SafetensorsDtype;
  shape: readonly number[];
  numbers(): Float32Array | Promise<Float32Array>;
}

export const writable = ({ name, dtype, variable }: StoredParameter): WritableTensor => ({ name, dtype, shape: variable.shape, numbers: () => variable.dataSync<"float32">() });

/** A base weight with its adapter merged in; the numbers of one kept in fewer bits are read from `folder` again. */
export function mergedWritable(parameter: StoredParameter | FrozenParameter, adapter: LoraPair | undefined, folder: string): WritableTensor {
  if (!("frozen" in parameter) && !adapter) return writable(parameter);
  const { name, dtype } = parameter;
  const weight = weightOf(parameter) as Weight;
  const numbers = async (): Promise<Float32Array> => {
    const own: ParameterMap = "frozen" in parameter ? await loadParameters(folder, new Map([[name, weight.shape]]), false) : new Map([[name, parameter]]);
    const full = own.get(name)!.variable as unknown as tf.Tensor2D;
    const merged = tf.tidy(() => (adapter ? mergedWeight(full, adapter) : full).dataSync<"float32">());
    if ("frozen" in parameter) disposeParameters(own);
    return merged;
  };
  return { name, dtype, shape: weight.shape, numbers };
}

/** Writes all weights and config.json, which names their number format: transformers computes in it. */
export async function writeModel(folder: string, config: Readonly<Record<string, unknown>>, tensors: readonly WritableTensor[], dtype?: WeightDtype): Promise<void> {
  await writeSafetensors(join(folder, SINGLE_FILE), toWrite(tensors, dtype));
  const json = { ...config };
  const written = dtype ?? commonDtype(tensors);
  if (written) json["torch_dtype" in json ? "torch_dtype" : "dtype"] = written;
  await writeFile(join(folder, "config.json"), `${JSON.stringify(json, null, 2)}\n`);
}

/** @param dtype number format of the file; each weight's own without it. */
export function toWrite(tensors: readonly WritableTensor[], dtype?: WeightDtype): Record<string, TensorToWrite> {
  return Object.fromEntries(tensors.map(({ name, dtype: stored, shape, numbers }) => {
    const format = dtype ? toSafetensorsDtype[dtype] : stored;
    return [name, { dtype: format, shape, data: async () => encodeFloats(await numbers(), format) }];
  }));
}

/** Reads an adapter's file; it must hold exactly the tensors of `shapes`. */
export async function readAdapter(folder: string, shapes: ReadonlyMap<string, readonly number[]>): Promise<ParameterMap> {
  const path = join(folder, ADAPTER_WEIGHTS);
  return adapterParametersFrom(await readSafetensors(path), shapes, path);
}

/** Gives each variable of `target` the numbers of its namesake in `saved`, which is disposed of. */
export function assignParameters(target: ParameterMap, saved: ParameterMap): void {
  for (const [name, { variable }] of target) {
    const { variable: numbers } = saved.get(name)!;
    variable.assign(numbers);
    numbers.dispose();
  }
}

/** The format that all weights are kept in, if there is one. */
function commonDtype(parameters: readonly WritableTensor[]): WeightDtype | undefined {
  const formats = new Set(parameters.map(({ dtype }) => dtype));
  return weightDtypes.find((name) => formats.size === 1 && formats.has(toSafetensorsDtype[name]));
}
