import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataError } from "@verlet/core";
import { readRows } from "@verlet/data";
import "@verlet/plugins/dataset-csv";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "verlet-csv-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe("the csv reader", () => {
  it("reads quoted cells over several lines, a byte order mark and empty lines; every cell is text, its place the line it starts in", async () => {
    const path = await file("a.csv", '\uFEFFq,a\r\n"x, ""y""\nz",1\n\n\nb,007\n c ,');
    const { rows, where } = await readRows(path);
    expect(rows).toEqual([{ q: 'x, "y"\nz', a: "1" }, { q: "b", a: "007" }, { q: " c ", a: "" }]);
    expect([0, 1, 2].map(where)).toEqual([`${path}:2`, `${path}:6`, `${path}:7`]);
  });

  it("reads tabs in .tsv", async () => {
    expect((await readRows(await file("a.tsv", "q\ta\n1,5\t2\n"))).rows).toEqual([{ q: "1,5", a: "2" }]);
  });

  it.each([
    ["a row with too many cells", "q,a\n1,2\n1,2,3\n", /a\.csv:3\] broken CSV \(.*columns length is 2, got 3.*\): expected as many cells/],
    ["a row with too few", "q,a\n1\n", /a\.csv:2\] broken CSV \(.*got 1/],
    ["a quote left open", 'q,a\n"x,1\n', /broken CSV \(Quote Not Closed/],
    ["a name used twice", "q,q\n1,2\n", /a\.csv:1\] two columns have the same name: got "q"/],
    ["a file of names alone", "q,a\n", /a\.csv\] the data set is empty: got 0 rows/],
  ])("refuses %s", async (_, content, words) => {
    const reading = readRows(await file("a.csv", content));
    await expect(reading).rejects.toThrow(DataError);
    await expect(reading).rejects.toThrow(words);
  });

  it("goes on after broken rows where somebody is told of them", async () => {
    const path = await file("a.csv", 'q,a\n1,2\n1,2,3\n"x\ny",4\n5\n6,7\n');
    const errors: DataError[] = [];
    const { rows, where } = await readRows(path, { broken: (error) => errors.push(error) });
    expect(rows).toEqual([{ q: "1", a: "2" }, { q: "x\ny", a: "4" }, { q: "6", a: "7" }]);
    expect([0, 1, 2].map(where)).toEqual([2, 4, 7].map((line) => `${path}:${line}`));
    expect(errors.map(({ parts }) => parts.where)).toEqual([`${path}:3`, `${path}:6`]);
    expect(errors[0]!.message).toMatch(/broken CSV \(.*got 3.*\): expected as many cells/);
  });

  it("names a missing file", async () => {
    await expect(readRows(join(folder, "none.csv"))).rejects.toThrow("] no such file: got");
  });
});
