import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ModelError } from "@verlet/core";
import { parseJson } from "./parse-json.js";
import { SafetensorsFile, type SafetensorsEntry } from "./safetensors.js";

export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** Which file of the folder holds each tensor: one file, or the shards that the index names. */
async function weightMap(folder: string): Promise<Map<string, string>> {
  const indexPath = join(folder, INDEX_FILE);
  if (await exists(join(folder, SINGLE_FILE))) {
    const file = await SafetensorsFile.open(join(folder, SINGLE_FILE));
    await file.close();
    return new Map([...file.tensors.keys()].map((name) => [name, SINGLE_FILE]));
  }
  if (!(await exists(indexPath))) {
    throw new ModelError({
      where: folder,
      what: "the folder has no weights",
      got: `neither ${SINGLE_FILE} nor ${INDEX_FILE}`,
      fix: "Put the safetensors file there, or set model.init: random to train from scratch",
    });
  }
  const { weight_map: map } = (parseJson(await readFile(indexPath, "utf8"), indexPath) ?? {}) as { weight_map?: Record<string, string> };
  if (!map) throw new ModelError({ where: indexPath, what: "the index names no files", got: "no weight_map", fix: "Copy the file again" });
  return new Map(Object.entries(map));
}

/** Names of all tensors of a model folder. @throws ModelError when it has no weights. */
export async function tensorNames(folder: string): Promise<string[]> {
  return [...(await weightMap(folder)).keys()];
}

/**
 * Calls `use` with each wanted tensor, one at a time, file by file; its bytes are overwritten by the next one's. Tensors
 * that nobody asked for are passed over.
 * Throws ModelError naming the first tensor that is missing or of the wrong shape, before any is used.
 */
export async function readWeights(
  folder: string,
  wanted: ReadonlyMap<string, readonly number[]>,
  use: (name: string, entry: SafetensorsEntry) => void,
): Promise<void> {
  const map = await weightMap(folder);
  const byFile = new Map<string, string[]>();
  for (const name of wanted.keys()) {
    const file = map.get(name);
    if (!file) throw new ModelError({ where: folder, what: "a tensor is missing from the weights", got: `no ${name}`, expected: `${wanted.size} tensors for this config.json` });
    byFile.set(file, [...(byFile.get(file) ?? []), name]);
  }
  const files: SafetensorsFile[] = [];
  try {
    for (const fileName of byFile.keys()) files.push(await SafetensorsFile.open(join(folder, fileName)));
    const parts = files.map((file, i) => ({ file, names: [...byFile.values()][i]! }));
    const largest = Math.max(...parts.flatMap(({ file, names }) => names.map((name) => byteLength(file, name, wanted.get(name)!))));
    const memory = resizable(largest);
    const buffer = new Uint8Array(memory, 0, largest);
    for (const { file, names } of parts) for (const name of names) use(name, await file.read(name, buffer));
    memory.resize(0); // gives the memory back now, not when garbage is collected
  } finally {
    for (const file of files) await file.close();
  }
}

/** ES2024, in Node.js 20 already. */
type ResizableBuffer = ArrayBuffer & { resize(bytes: number): void };

const resizable = (bytes: number): ResizableBuffer => new (ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => ResizableBuffer)(bytes, { maxByteLength: bytes });

/** Throws ModelError where the file has the tensor in another shape, or not at all. */
function byteLength(file: SafetensorsFile, name: string, expected: readonly number[]): number {
  const { shape, offsets } = file.info(name);
  if (shape.join() === expected.join()) return offsets[1] - offsets[0];
  throw new ModelError({ where: `${file.path}: ${name}`, what: "wrong shape", got: `[${shape.join(", ")}]`, expected: `[${expected.join(", ")}] from config.json` });
}
