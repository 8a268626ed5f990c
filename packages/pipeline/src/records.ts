/** What is remembered of a stage between two runs of a pipeline: one JSON file each, replaced as a whole. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@verlet/checkpoint";
import { CheckpointError, describeIssues, z, type Json } from "@verlet/core";

export const stageStatuses = ["running", "interrupted", "failed", "done"] as const;
export type StageStatus = (typeof stageStatuses)[number];

const json = z.json() as unknown as z.ZodType<Json>;

const recordSchema = z.strictObject({
  stage: z.string(),
  uses: z.string(),
  /** Another one each time the stage starts. */
  id: z.string(),
  /** `id` of the stage before it, as it was then; null for the first. */
  after: z.string().nullable(),
  /** `running` in a file that a killed process left. */
  status: z.enum(stageStatuses),
  inputs: z.strictObject({
    /** SHA-256 of all below. */
    hash: z.string(),
    settings: json,
    /** SHA-256 of each file or folder by its path. */
    files: z.record(z.string(), z.string()),
  }),
  outputs: z.record(z.string(), json),
  /** Paths that must be there for the stage to be done. */
  products: z.array(z.string()),
  metrics: z.record(z.string(), z.number()),
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
  /** Of all attempts that led to it. */
  seconds: z.number(),
  /** When it was written, in ISO 8601. */
  written: z.string(),
  /** Why it is not done. */
  reason: z.string().optional(),
});

export type StageRecord = Readonly<z.output<typeof recordSchema>>;
export type StageInputs = StageRecord["inputs"];

export const RECORDS = "records";

export function recordPath(outputDir: string, stage: string): string {
  return join(outputDir, RECORDS, `${stage}.json`);
}

export async function writeRecord(outputDir: string, record: StageRecord): Promise<void> {
  await writeFileAtomic(recordPath(outputDir, record.stage), `${JSON.stringify(record, null, 2)}\n`);
}

/** Undefined where the stage never ran. @throws CheckpointError for a file that is no record. */
export async function readRecord(outputDir: string, stage: string): Promise<StageRecord | undefined> {
  const path = recordPath(outputDir, stage);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const fix = `Delete this file and the stage's folder ${join(outputDir, stage)}: it then runs again`;
  const damaged = (got: string): CheckpointError => new CheckpointError({ where: path, what: `the record of stage ${stage} is damaged`, got, expected: "the JSON that verlet wrote", fix });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged((error as Error).message);
  }
  const parsed = recordSchema.safeParse(value);
  if (parsed.success && parsed.data.stage === stage) return parsed.data;
  if (parsed.success) throw damaged(`the record of stage ${parsed.data.stage}`);
  const [{ path: at, got, expected }] = describeIssues(parsed.error, value) as [ReturnType<typeof describeIssues>[number]];
  throw damaged(`${at.map(String).join(".") || "the whole of it"}: ${got}${expected ? ` instead of ${expected}` : ""}`);
}
