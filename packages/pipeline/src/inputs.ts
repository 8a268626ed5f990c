/** What a stage reads, as hashes that tell whether it is still the same. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Json } from "@verlet/core";
import { configDifferences } from "@verlet/checkpoint";
import type { StageInputs } from "./records.js";
import type { PreparedStage } from "./stage-kind.js";

/** What counts of a folder: a model's own files, not the checkpoints, logs and samples that a run leaves beside them. */
const COUNTED = /\.(safetensors|json|txt|jinja|model)$/;

/** By path, size and time, so that a model which several stages read is read once. */
const known = new Map<string, string>();

export async function inputsOf({ settings, files }: Pick<PreparedStage, "settings" | "files">): Promise<StageInputs> {
  const hashes: Record<string, string> = {};
  for (const path of files) hashes[path] = await hashOf(path);
  const hash = createHash("sha256").update(JSON.stringify({ settings, files: hashes })).digest("hex");
  return { hash, settings, files: hashes };
}

/** `missing` for a path where there is nothing. */
async function hashOf(path: string): Promise<string> {
  if (!existsSync(path)) return "missing";
  if (!(await stat(path)).isDirectory()) return hashFile(path);
  const hash = createHash("sha256");
  for (const name of (await readdir(path)).filter((name) => COUNTED.test(name)).sort()) hash.update(`${name} ${await hashFile(join(path, name))}\n`);
  return hash.digest("hex");
}

async function hashFile(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const key = `${path} ${size} ${mtimeMs}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  const value = hash.digest("hex");
  known.set(key, value);
  return value;
}

const MOST = 3;

/** What differs, in words; undefined where nothing does. */
export function describeChange(was: StageInputs, now: StageInputs): string | undefined {
  const settings = configDifferences(was.settings, now.settings).map(({ key, was, now }) => `${key || "options"} was ${show(was)} and is now ${show(now)}`);
  const paths = new Set([...Object.keys(was.files), ...Object.keys(now.files)]);
  const files = [...paths].filter((path) => was.files[path] !== now.files[path]).map((path) => describeFile(path, was.files[path], now.files[path]));
  const all = [...settings, ...files];
  if (all.length === 0) return undefined;
  return [...all.slice(0, MOST), ...(all.length > MOST ? [`${all.length - MOST} more`] : [])].join("; ");
}

function describeFile(path: string, was: string | undefined, now: string | undefined): string {
  if (now === undefined) return `${path} is no longer read`;
  if (now === "missing") return `${path} is gone`;
  return was === undefined ? `${path} is read too` : `${path} has changed`;
}

const show = (value: Json | undefined): string => (value === undefined ? "not set" : JSON.stringify(value));
