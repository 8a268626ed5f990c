import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ModelError } from "@verlet/core";
import { readSafetensors, SafetensorsFile, writeSafetensors } from "@verlet/model";
import { fixture } from "../../helpers/fixtures.js";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "verlet-safetensors-"));
  path = join(folder, "w.safetensors");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A file with the given header text and data, the announced length being the header's own unless given. */
async function raw(header: string, dataBytes: number, announced = Buffer.byteLength(header)): Promise<string> {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(announced));
  await writeFile(path, Buffer.concat([length, Buffer.from(header), Buffer.alloc(dataBytes)]));
  return path;
}

const one = (fields: object): string => JSON.stringify({ w: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields } });

/** The message without the temporary folder. */
const failure = async (file: string): Promise<string> =>
  readSafetensors(file).then(() => "it was read", (error: unknown) => {
    expect(error).toBeInstanceOf(ModelError);
    return (error as Error).message.replaceAll(folder, "FOLDER");
  });

describe("writing", () => {
  test("what is written is read back: names, shapes, types, bytes and metadata", async () => {
    await writeSafetensors(path, {
      "a.weight": { dtype: "F32", shape: [2, 1], data: Float32Array.of(1.5, -2) },
      "b.ids": { dtype: "I32", shape: [3], data: () => Int32Array.of(1, -2, 3) },
      scalar: { dtype: "F32", shape: [], data: Float32Array.of(7) },
      empty: { dtype: "F32", shape: [0, 4], data: new Float32Array(0) },
    }, { format: "pt", made: "here" });
    const entries = await readSafetensors(path);
    expect([...entries.keys()].sort()).toEqual(["a.weight", "b.ids", "empty", "scalar"]);
    expect(entries.get("a.weight")).toEqual({ dtype: "F32", shape: [2, 1], data: new Uint8Array(Float32Array.of(1.5, -2).buffer) });
    expect(entries.get("b.ids")!.data).toEqual(new Uint8Array(Int32Array.of(1, -2, 3).buffer));
    expect(entries.get("scalar")!.shape).toEqual([]);
    const file = await SafetensorsFile.open(path);
    expect(file.metadata).toEqual({ format: "pt", made: "here" });
    await file.close();
  });

  test("the data part starts on 8 bytes, and each tensor on its own element size even after one of odd length", async () => {
    await writeSafetensors(path, {
      odd: { dtype: "BF16", shape: [3], data: new Uint8Array(6) },
      wide: { dtype: "F32", shape: [1], data: Float32Array.of(2.5) },
    });
    const bytes = await readFile(path);
    const headerLength = Number(bytes.readBigUInt64LE());
    expect(headerLength % 8).toBe(0);
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength)) as Record<string, { data_offsets: number[] }>;
    expect(header.wide!.data_offsets[0]! % 4).toBe(0);
    const entries = await readSafetensors(path);
    expect(entries.get("wide")!.data).toEqual(new Uint8Array(Float32Array.of(2.5).buffer));
  });

  test("a tensor whose data does not fill its shape is refused, and the file that was there stays", async () => {
    await writeFile(path, "old");
    await expect(writeSafetensors(path, { w: { dtype: "F32", shape: [3], data: new Float32Array(2) } })).rejects.toThrow("tensor w has the wrong size: got 8 bytes, expected 12.");
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["w.safetensors"]);
  });

  test("a fixture's tensors written again are the same", async () => {
    const entries = await readSafetensors(fixture("models/qwen3-untied-bf16/model.safetensors"));
    await writeSafetensors(path, Object.fromEntries(entries));
    const again = await readSafetensors(path);
    expect([...again.keys()].sort()).toEqual([...entries.keys()].sort());
    for (const [name, { shape, data }] of entries) {
      expect(again.get(name)!.shape, name).toEqual(shape);
      expect(Buffer.compare(again.get(name)!.data, data), name).toBe(0);
    }
  });
});

describe("files that cannot be read", () => {
  test.each<[string, () => Promise<string>, string]>([
    ["missing", () => Promise.resolve(join(folder, "none.safetensors")), "[FOLDER/none.safetensors] cannot open the weight file: got ENOENT"],
    ["shorter than a header", async () => (await writeFile(path, "abc"), path), "[FOLDER/w.safetensors] not a safetensors file: got 3 bytes, expected a header. Fetch or write the file again."],
    ["a header longer than the file", () => raw(one({}), 8, 5000), "the header's length does not fit the file: got 5000 bytes announced, the file has"],
    ["a header of absurd length", () => raw(one({}), 8, 2 ** 52), "the header's length does not fit the file: got 4503599627370496 bytes announced"],
    ["a header that is not JSON", () => raw("{ w: ", 8), "[FOLDER/w.safetensors] the header is not JSON: got "],
    ["a header that is no record", () => raw("null", 8), "the header is not a record of tensors: got null"],
    ["an entry without offsets", () => raw(one({ data_offsets: undefined }), 8), "tensor w has a broken entry"],
    ["an entry without shape", () => raw(one({ shape: undefined }), 8), "tensor w has a broken entry"],
    ["a negative offset", () => raw(one({ data_offsets: [-8, 0] }), 8), "tensor w has a broken entry"],
    ["a negative dimension", () => raw(one({ shape: [-1, -2] }), 8), "tensor w has a broken entry"],
    ["data cut short", () => raw(one({}), 5), "the file is cut short at tensor w: got 5 data bytes, expected at least 8. Fetch or write the file again."],
    ["a dtype that is not supported", () => raw(one({ dtype: "F8_E4M3" }), 8), "tensor w has an unsupported dtype: got F8_E4M3, expected F32, F16, BF16, I32, I64, U8, BOOL."],
    ["a shape that is not its size", () => raw(one({ shape: [3] }), 8), "tensor w does not fill its place: got 8 bytes, expected 12 for F32 [3]."],
  ])("%s", async (_, make, words) => {
    expect(await failure(await make())).toContain(words);
  });

  test("a tensor that is not in the file", async () => {
    const file = await SafetensorsFile.open(await raw(one({}), 8));
    await expect(file.read("v")).rejects.toThrow("no such tensor in the weight file: got v");
    await file.close();
  });
});
