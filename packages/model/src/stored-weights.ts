/** Weights between variables and the files of a model folder. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADAPTER_WEIGHTS } from "./adapter-files.js";
import { encodeFloats, toSafetensorsDtype, weightDtypes, type WeightDtype } from "./dtype.js";
import { adapterParametersFrom, type ParameterMap, type StoredParameter } from "./parameters.js";
import { readSafetensors, writeSafetensors, type TensorToWrite } from "./safetensors.js";
import { SINGLE_FILE } from "./weight-files.js";

/** Writes all weights and config.json, which names their number format: transformers computes in it. */
export async function writeModel(folder: string, config: Readonly<Record<string, unknown>>, parameters: readonly StoredParameter[], dtype?: WeightDtype): Promise<void> {
  await writeSafetensors(join(folder, SINGLE_FILE), toWrite(parameters, dtype));
  const json = { ...config };
  const written = dtype ?? commonDtype(parameters);
  if (written) json["torch_dtype" in json ? "torch_dtype" : "dtype"] = written;
  await writeFile(join(folder, "config.json"), `${JSON.stringify(json, null, 2)}\n`);
}

/** @param dtype number format of the file; each weight's own without it. */
export function toWrite(parameters: Iterable<StoredParameter>, dtype?: WeightDtype): Record<string, TensorToWrite> {
  return Object.fromEntries([...parameters].map(({ name, variable, dtype: stored }) => {
    const format = dtype ? toSafetensorsDtype[dtype] : stored;
    return [name, { dtype: format, shape: variable.shape, data: () => encodeFloats(variable.dataSync() as Float32Array, format) }];
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
function commonDtype(parameters: readonly StoredParameter[]): WeightDtype | undefined {
  const formats = new Set(parameters.map(({ dtype }) => dtype));
  return weightDtypes.find((name) => formats.size === 1 && formats.has(toSafetensorsDtype[name]));
}
