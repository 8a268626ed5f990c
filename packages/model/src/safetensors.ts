import { readSync } from "node:fs";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { ModelError } from "@verlet/core";
import { bytesPerElement, type SafetensorsDtype } from "./dtype.js";

/** Headers above this are refused, as the format's own reader does. */
const MAX_HEADER_BYTES = 100_000_000;

export interface SafetensorsEntry {
  dtype: SafetensorsDtype;
  shape: number[];
  /** Little-endian, C order. */
  data: Uint8Array;
}

export interface TensorInfo {
  dtype: SafetensorsDtype;
  shape: number[];
  /** Byte range within the data part. */
  offsets: [number, number];
}

/** An open safetensors file: the header is read and checked, tensors are read one at a time. */
export class SafetensorsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #handle: FileHandle;
  readonly #dataStart: number;

  private constructor(path: string, handle: FileHandle, header: Header, dataStart: number) {
    this.path = path;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
    this.#handle = handle;
    this.#dataStart = dataStart;
  }

  /** Throws ModelError on a missing, truncated or inconsistent file. Close it after use. */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await open(path, "r").catch((cause: unknown) => {
      throw new ModelError({ where: path, what: "cannot open the weight file", got: (cause as Error).message }, { cause });
    });
    try {
      const { size } = await handle.stat();
      const { header, dataStart } = await readHeader(handle, path, size);
      return new SafetensorsFile(path, handle, header, dataStart);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info) return info;
    throw new ModelError({ where: this.path, what: "no such tensor in the weight file", got: name });
  }

  /** @param buffer to read into, in place of memory of the tensor's own; at least its size */
  async read(name: string, buffer?: Uint8Array): Promise<SafetensorsEntry> {
    const info = this.info(name);
    const [start, end] = info.offsets;
    const data = buffer ? buffer.subarray(0, end - start) : new Uint8Array(end - start);
    await readFully(this.#handle, data, this.#dataStart + start);
    return { dtype: info.dtype, shape: info.shape, data };
  }

  /** The same at once, into memory of its own, for a caller that cannot wait. */
  readSync(name: string): SafetensorsEntry {
    const { dtype, shape, offsets: [start, end] } = this.info(name);
    const data = new Uint8Array(end - start);
    let done = 0;
    while (done < data.byteLength) {
      const bytesRead = readSync(this.#handle.fd, data, done, Math.min(data.byteLength - done, MOST_AT_ONCE), this.#dataStart + start + done);
      if (bytesRead === 0) throw endedEarly(done, data);
      done += bytesRead;
    }
    return { dtype, shape, data };
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

interface Header {
  tensors: Map<string, TensorInfo>;
  metadata: Record<string, string>;
}

async function readHeader(handle: FileHandle, path: string, size: number): Promise<{ header: Header; dataStart: number }> {
  const damaged = (what: string, got: string, expected?: string): ModelError =>
    new ModelError({ where: path, what, got, ...(expected ? { expected } : {}), fix: "Fetch or write the file again" });
  if (size < 8) throw damaged("not a safetensors file", `${size} bytes`, "a header");
  const lengthBytes = new Uint8Array(8);
  await readFully(handle, lengthBytes, 0);
  const headerLength = Number(new DataView(lengthBytes.buffer).getBigUint64(0, true));
  if (headerLength > MAX_HEADER_BYTES || 8 + headerLength > size) {
    throw damaged("the header's length does not fit the file", `${headerLength} bytes announced, the file has ${size}`);
  }
  const headerBytes = new Uint8Array(headerLength);
  await readFully(handle, headerBytes, 8);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(headerBytes));
  } catch (cause) {
    throw damaged("the header is not JSON", (cause as Error).message);
  }
  if (typeof json !== "object" || json === null) throw damaged("the header is not a record of tensors", String(json));
  const { __metadata__: metadata, ...entries } = json as Record<string, unknown>;
  const tensors = new Map<string, TensorInfo>();
  const dataLength = size - 8 - headerLength;
  for (const [name, value] of Object.entries(entries)) {
    if (!isEntry(value)) throw damaged(`tensor ${name} has a broken entry`, JSON.stringify(value), "dtype, shape and data_offsets");
    const { dtype, shape, data_offsets: offsets } = value;
    if (!(dtype in bytesPerElement)) throw damaged(`tensor ${name} has an unsupported dtype`, String(dtype), Object.keys(bytesPerElement).join(", "));
    const bytes = shape.reduce((a, b) => a * b, 1) * bytesPerElement[dtype];
    if (offsets[1] - offsets[0] !== bytes) {
      throw damaged(`tensor ${name} does not fill its place`, `${offsets[1] - offsets[0]} bytes`, `${bytes} for ${dtype} [${shape.join(", ")}]`);
    }
    if (offsets[1] > dataLength) throw damaged(`the file is cut short at tensor ${name}`, `${dataLength} data bytes`, `at least ${offsets[1]}`);
    tensors.set(name, { dtype, shape, offsets });
  }
  return { header: { tensors, metadata: (metadata ?? {}) as Record<string, string> }, dataStart: 8 + headerLength };
}

interface HeaderEntry {
  dtype: SafetensorsDtype;
  shape: number[];
  data_offsets: [number, number];
}

/** True when the entry has the form that the format asks for; whether its numbers fit the file is checked after. */
function isEntry(value: unknown): value is HeaderEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Partial<Record<keyof HeaderEntry, unknown>>;
  const areSizes = (list: unknown): list is number[] => Array.isArray(list) && list.every((size) => Number.isSafeInteger(size) && size >= 0);
  return typeof dtype === "string" && areSizes(shape) && areSizes(offsets) && offsets.length === 2;
}

/** One read returns at most 2 GiB on Linux, so large tensors take several. */
const MOST_AT_ONCE = 2 ** 30;

async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < target.byteLength) {
    const length = Math.min(target.byteLength - done, MOST_AT_ONCE);
    const { bytesRead } = await handle.read(target, done, length, position + done);
    if (bytesRead === 0) throw endedEarly(done, target);
    done += bytesRead;
  }
}

function endedEarly(done: number, { byteLength }: Uint8Array): ModelError {
  return new ModelError({ where: "safetensors", what: "the file ended early", got: `${done} of ${byteLength} bytes` });
}

/** Reads a whole file. */
export async function readSafetensors(path: string): Promise<Map<string, SafetensorsEntry>> {
  const file = await SafetensorsFile.open(path);
  try {
    const entries = new Map<string, SafetensorsEntry>();
    for (const name of file.tensors.keys()) entries.set(name, await file.read(name));
    return entries;
  } finally {
    await file.close();
  }
}

type NumberArray = Uint8Array | Float32Array | Int32Array;

export interface TensorToWrite {
  dtype: SafetensorsDtype;
  shape: readonly number[];
  /** Called when its turn comes, so that only one tensor's bytes are held at a time. */
  data: NumberArray | (() => NumberArray | Promise<NumberArray>);
}

/** Writes a file under a temporary name and renames it when complete and on disk. */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorToWrite>>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  // Wide elements first, so that each tensor starts on a multiple of its element size: readers map the bytes as they are.
  const ordered = Object.entries(tensors).sort(([, a], [, b]) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype]);
  let offset = 0;
  for (const [name, { dtype, shape }] of ordered) {
    const bytes = shape.reduce((a, b) => a * b, 1) * bytesPerElement[dtype];
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20); // the data part starts on 8 bytes
  padded.set(json);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);

  const temporary = `${path}.partial`;
  const handle = await open(temporary, "w");
  try {
    await handle.writeFile(length);
    await handle.writeFile(padded);
    for (const [name, { dtype, shape, data }] of ordered) {
      const array = typeof data === "function" ? await data() : data;
      const expected = shape.reduce((a, b) => a * b, 1) * bytesPerElement[dtype];
      if (array.byteLength !== expected) {
        throw new ModelError({ where: path, what: `tensor ${name} has the wrong size`, got: `${array.byteLength} bytes`, expected: `${expected}` });
      }
      await handle.writeFile(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    }
    await handle.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}
