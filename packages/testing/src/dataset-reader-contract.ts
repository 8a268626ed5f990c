import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createComponent, DataError, type DatasetReader, type Row } from "@verlet/core";
import { readRows } from "@verlet/data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

export interface DatasetReaderCase {
  /** A data set as a YAML names it, of at least three rows. */
  path: string;
  /** Its rows, in order; where it has splits those of `train`. */
  rows: readonly Row[];
  /** The rows of each split, where it has splits: at least two of them. */
  splits?: Readonly<Record<string, readonly Row[]>>;
  /** A path of the same kind at which there is nothing. */
  missing: string;
  /** A data set of the same kind without rows; without one that rule is left out. */
  empty?: string;
  /** Data sets of the same kind that cannot be read. */
  broken: readonly string[];
}

/** What every dataset reader must do. @param open makes the data sets, once; given an empty folder for them */
export function datasetReaderContract(name: string, open: (folder: string) => DatasetReaderCase | Promise<DatasetReaderCase>): void {
  describe(`dataset reader contract: ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "verlet-test-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    let made: DatasetReaderCase;
    let reader: DatasetReader;
    let split: string | undefined;
    beforeAll(async () => {
      made = await open(folder);
      reader = createComponent("dataset", name);
      split = reader.hasSplits ? "train" : undefined;
    });
    const read = async (options: { slice?: string; maxSamples?: number } = {}) => {
      const { slice, maxSamples } = options;
      const part = slice === undefined ? split : `${split ?? ""}${slice}`;
      return readRows({ path: made.path, ...(part !== undefined && { split: part }) }, maxSamples === undefined ? {} : { maxSamples });
    };

    it("takes its own paths, and no others", () => {
      for (const path of [made.path, ...made.broken]) expect([path, reader.accepts(path)]).toEqual([path, true]);
      for (const path of ["", "rows.unknown", "a/b/rows.txt"]) expect([path, reader.accepts(path)]).toEqual([path, false]);
    });

    it("reads every row in order, as plain objects that JSON can hold", async () => {
      const { rows } = await read();
      expect(rows).toEqual(made.rows);
      expect(JSON.parse(JSON.stringify(rows))).toEqual(made.rows);
    });

    it("reads the same again, though the rows were changed, and twice at once", async () => {
      const first = await reader.read(made.path, split);
      for (const row of first) for (const column of Object.keys(row)) (row as Record<string, unknown>)[column] = "changed";
      const both = await Promise.all([reader.read(made.path, split), reader.read(made.path, split)]);
      expect(both).toEqual([made.rows, made.rows]);
    });

    it("has a place for each row, its own, from the data set's name on", async () => {
      const { rows, where } = await read();
      const places = rows.map((_, i) => where(i));
      expect(new Set(places).size).toBe(rows.length);
      for (const place of places) expect(place).toMatch(/:\d+$/);
      expect(places.filter((place) => !place.startsWith(made.path))).toEqual([]);
    });

    it("gives a part of the rows, with their places", async () => {
      const whole = await read();
      const part = await read({ slice: "[1:3]" });
      expect(part.rows).toEqual(made.rows.slice(1, 3));
      expect([part.where(0), part.where(1)]).toEqual([whole.where(1), whole.where(2)]);
      expect((await read({ maxSamples: 2 })).rows).toEqual(made.rows.slice(0, 2));
    });

    it("has splits that are read one by one, or none", async () => {
      if (!reader.hasSplits) {
        await expect(readRows({ path: made.path, split: "train" })).rejects.toThrow("a file has no splits: got train");
        return;
      }
      const names = Object.keys(made.splits!);
      expect(names.length).toBeGreaterThan(1);
      for (const [own, rows] of Object.entries(made.splits!)) expect((await readRows({ path: made.path, split: own })).rows).toEqual(rows);
      const unknown = await failure(() => readRows({ path: made.path, split: "no-such-split" }));
      for (const one of names) expect(unknown.message).toContain(one);
      await failure(() => readRows(made.path)); // of several none is meant
    });

    it("says in a DataError what is missing, empty or broken, and where", async () => {
      for (const path of [made.missing, ...(made.empty === undefined ? [] : [made.empty]), ...made.broken]) {
        const { message } = await failure(() => readRows({ path, ...(split !== undefined && { split }) }));
        expect(message).toContain(path);
      }
    });
  });
}

async function failure(run: () => Promise<unknown>): Promise<DataError> {
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DataError);
  return error as DataError;
}
