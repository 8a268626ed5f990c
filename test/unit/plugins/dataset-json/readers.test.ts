import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataError } from "@verlet/core";
import { placeOf, readRows } from "@verlet/data";
import "@verlet/plugins/dataset-json";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "verlet-rows-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe("readRows", () => {
  it("reads JSON lines: empty lines, CRLF, a byte order mark, line separators inside strings, no last newline", async () => {
    const path = await file("a.jsonl", '\uFEFF{"a":1}\r\n\n{"a":"x\u2028y"}\n  \n{"a":"é"}');
    const { rows, where } = await readRows(path);
    expect(rows).toEqual([{ a: 1 }, { a: "x\u2028y" }, { a: "é" }]);
    expect([0, 1, 2].map(where)).toEqual([`${path}:1`, `${path}:3`, `${path}:5`]);
    expect(placeOf(rows[2]!)).toBe(`${path}:5`);
  });

  it("keeps characters whole where the file is read in pieces", async () => {
    const text = "é€😀".repeat(40_000); // 360 kB, more than one 64 kB piece
    const { rows } = await readRows(await file("long.jsonl", `${JSON.stringify({ text })}\n${JSON.stringify({ text: `a${text}` })}\n`));
    expect(rows.map((row) => row.text === text || row.text === `a${text}`)).toEqual([true, true]);
  });

  it("reads a JSON list", async () => {
    const path = await file("a.json", '[{"a":1},{"a":2}]');
    const { rows, where } = await readRows(path);
    expect(rows).toEqual([{ a: 1 }, { a: 2 }]);
    expect(where(1)).toBe(`${path}:2`);
  });

  it("reads JSON lines named .json, as many data sets of the hub are", async () => {
    const path = await file("a.json", '{"a":1}\r\n{"a":2}\n');
    const { rows, where } = await readRows(path);
    expect(rows).toEqual([{ a: 1 }, { a: 2 }]);
    expect(where(1)).toBe(`${path}:2`);
  });

  it("stops at maxSamples", async () => {
    const path = await file("a.json", '[{"a":1},{"a":2},{"a":3}]');
    expect((await readRows(path, { maxSamples: 2 })).rows).toHaveLength(2);
    expect((await readRows(path, { maxSamples: 9 })).rows).toHaveLength(3);
  });

  it.each([
    ["a broken line", "a.jsonl", '{"a":1}\n{"a":\n', /a\.jsonl:2\] broken JSON \(.*\): got \{"a":, expected one JSON object/],
    ["a line that is a list", "a.jsonl", "[1]\n", /a\.jsonl:1\] the row is not an object: got a list, expected an object/],
    ["a line that is null", "a.jsonl", "null\n", /a\.jsonl:1\] the row is not an object: got null/],
    ["an empty file", "a.jsonl", "\n\n", /a\.jsonl\] the data set is empty: got 0 rows, expected at least one/],
    ["an empty list", "a.json", "[]", /a\.json\] the data set is empty/],
    ["a broken JSON file", "a.json", '[{"a":1}', /a\.json\] broken JSON .*Correct the file/],
    ["broken JSON lines named .json", "a.json", '{"a":1}\n{"a":2}\n{"a"', /a\.json:3\] broken JSON .*expected one JSON object/],
    ["a JSON object", "a.json", '{"rows":[]}', /a\.json\] the file holds no list of rows: got object, expected a JSON list of objects/],
    ["a row that is a number", "a.json", '[{"a":1},7]', /a\.json:2\] the row is not an object: got a number/],
    ["an unknown kind of file", "a.xyz", "a,b\n", /a\.xyz\] no dataset reader takes this file: expected a file for one of the readers .*json.*jsonl.*Convert it to JSON lines/],
  ])("refuses %s", async (_, name, content, words) => {
    const reading = readRows(await file(name, content));
    await expect(reading).rejects.toThrow(DataError);
    await expect(reading).rejects.toThrow(words);
  });

  it.each([
    ["a.jsonl", '{"a":1}\n{"a":\n\n[2]\n{"a":3}\n', [2, 4], 5],
    ["lines.json", '{"a":1}\n{"a":2]\n{"a":3}\n', [2], 3],
    ["list.json", '[{"a":1},7,null,{"a":3}]', [2, 3], 4],
  ])("goes on after broken rows where somebody is told of them: %s", async (name, content, broken, last) => {
    const path = await file(name, content);
    const errors: DataError[] = [];
    const { rows, where } = await readRows(path, { broken: (error) => errors.push(error) });
    expect(rows).toEqual([{ a: 1 }, { a: 3 }]);
    expect(where(1)).toBe(`${path}:${last}`);
    expect(errors.map(({ parts }) => parts.where)).toEqual(broken.map((row) => `${path}:${row}`));
  });

  it("throws the first broken row where no other is left", async () => {
    const broken: unknown[] = [];
    const reading = readRows(await file("a.jsonl", '{"a"\n{"b"\n'), { broken: (error) => broken.push(error) });
    await expect(reading).rejects.toThrow(/a\.jsonl:1\] broken JSON/);
    expect(broken).toHaveLength(2);
  });

  it.each(["none.jsonl", "none.xyz"])("names a missing file: %s", async (name) => {
    await expect(readRows(join(folder, name))).rejects.toThrow(`] no such file: got ${join(folder, name)}. Check data.train or data.eval`);
  });

  it("names a folder", async () => {
    const path = join(folder, "set.jsonl");
    await mkdir(path);
    await expect(readRows(path)).rejects.toThrow("this is a folder: expected a file");
  });
});
