import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Row } from "@verlet/core";
import { readRows } from "@verlet/data";
import "@verlet/plugins/dataset-parquet";
import { fixture, readJson } from "../../../helpers/fixtures.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "verlet-parquet-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the parquet reader", () => {
  it.each(["none", "snappy", "gzip", "zstd", "brotli", "lz4"])("reads what pyarrow wrote, compression %s: nested lists, nulls, times, large numbers", async (codec) => {
    const { rows, where } = await readRows(fixture(`data/${codec}.parquet`));
    expect(rows).toEqual(readJson<Row[]>("data/parquet-rows.json"));
    expect(where(2)).toMatch(/parquet:3$/);
    expect(() => JSON.stringify(rows)).not.toThrow();
  });

  it("reads what Hugging Face's datasets wrote", async () => {
    const { rows } = await readRows(`${fixture("data/datasets.parquet")}[-2:]`);
    expect(rows).toEqual([{ question: "8+1?", answer: "8+1=9\n#### 9" }, { question: "9+1?", answer: "9+1=10\n#### 10" }]);
  });

  it("refuses a file that is none, and one that was cut off", async () => {
    const path = join(folder, "a.parquet");
    await writeFile(path, "q,a\n1,2\n3,4\n");
    await expect(readRows(path)).rejects.toThrow(/a\.parquet\] broken Parquet \(.*\): expected a whole Parquet file\. Write or download it again/);
    await writeFile(path, (await readFile(fixture("data/zstd.parquet"))).subarray(0, 4000));
    await expect(readRows(path)).rejects.toThrow(/broken Parquet/);
  });

  it("names a missing file and a folder", async () => {
    await expect(readRows(join(folder, "none.parquet"))).rejects.toThrow("] no such file: got");
    await mkdir(join(folder, "a.parquet"));
    await expect(readRows(join(folder, "a.parquet"))).rejects.toThrow("this is a folder: expected a file");
    await copyFile(fixture("data/none.parquet"), join(folder, "B.PARQUET"));
    expect((await readRows(join(folder, "B.PARQUET"))).rows).toHaveLength(3);
  });
});
