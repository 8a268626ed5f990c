import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError, z, type DataSource, type Metrics, type Row } from "@verlet/core";
import { dataSchema } from "@verlet/config";
import { describeSource, readRows } from "@verlet/data";
import { dataFiles } from "../stage-config.js";
import type { StageKind } from "../stage-kind.js";

const options = z.strictObject({
  sets: z
    .record(z.string().regex(/^[A-Za-z][\w-]*$/), dataSchema.shape.train)
    .refine((sets) => Object.keys(sets).length > 0, { message: "at least one data set" })
    .describe("Each as `data.train` of a run has it."),
  maxSamples: z.int().min(1).optional().describe("Use only the first rows of each."),
});

/** Reads data sets once, so that all stages see the same rows: those of the hub included. */
export const data: StageKind<z.output<typeof options>> = {
  name: "data",
  doc: "Reads data sets, counts rows and those that two of them share, and keeps them as JSON lines.",
  options,
  outputs: "each set by its name: its file",
  prepare: async ({ sets, maxSamples }, { name, folder }) => {
    const paths = Object.fromEntries(Object.keys(sets).map((set) => [set, join(folder, `${set}.jsonl`)]));
    return {
      settings: JSON.parse(JSON.stringify({ sets, maxSamples })),
      files: Object.values(sets).flatMap((source) => dataFiles(source as DataSource)),
      outputs: paths,
      products: Object.values(paths),
      run: async ({ line }) => {
        await mkdir(folder, { recursive: true });
        const read: Record<string, readonly string[]> = {};
        for (const [set, source] of Object.entries(sets) as [string, DataSource][]) {
          const { rows } = await readRows(source, { defaultSplit: set, log: line, ...(maxSamples !== undefined && { maxSamples }) });
          read[set] = rows.map((row) => asLine(row, `stage ${name}, ${describeSource(source)}`));
          await writeFile(paths[set]!, read[set].map((text) => `${text}\n`).join(""));
          line(`${set}: ${rows.length} rows of ${describeSource(source)}`);
        }
        return { metrics: measure(read) };
      },
    };
  },
};

function asLine(row: Row, where: string): string {
  try {
    return JSON.stringify(row);
  } catch (cause) {
    throw new DataError({ where, what: "a row cannot be written as JSON", got: (cause as Error).message }, { cause });
  }
}

/** `rows/<set>`, and `shared/<a>/<b>`: rows of b that are in a too. */
function measure(sets: Readonly<Record<string, readonly string[]>>): Metrics {
  const all = Object.entries(sets);
  const shared = all.flatMap(([a, rows], i) => {
    const there = new Set(rows);
    return all.slice(i + 1).map(([b, others]) => [`shared/${a}/${b}`, others.filter((row) => there.has(row)).length]);
  });
  return Object.fromEntries([...all.map(([set, rows]) => [`rows/${set}`, rows.length]), ...shared]) as Metrics;
}
