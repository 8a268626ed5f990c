import type { DataError, DataSection, DataSource } from "@verlet/core";
import { dataSchema, loadBuiltins, loadPlugins } from "@verlet/config";
import { BrokenRows, describeSource, inspectRows, readRows } from "@verlet/data";
import { inspectText } from "../inspect-text.js";
import type { JsonFlag } from "../options.js";
import { note, print, printJson, progress, styles } from "../output.js";
import { findTokenizerFolder } from "../open-model.js";

export interface InspectFlags extends JsonFlag {
  split?: string;
  model?: string;
  eval?: string;
  columns?: DataSection["columns"];
  chatTemplate: DataSection["chatTemplate"];
  trainOn?: DataSection["trainOn"];
  maxLength?: number;
  maxPromptTokens?: number;
  maxSamples?: number;
  samples: number;
  plugins?: string[];
}

/** Ends with status 1 where a row has a problem or cannot be read at all, or where no kind of training can take the rows. */
export async function inspectData(path: string, flags: InspectFlags): Promise<void> {
  const { split, model, columns = {}, chatTemplate, trainOn, maxLength, maxPromptTokens, maxSamples, samples } = flags;
  await loadBuiltins();
  await loadPlugins(flags.plugins ?? [], process.cwd());
  const source: DataSource = split === undefined ? path : { path, split };
  const section = dataSchema.parse({ train: path, columns, chatTemplate, trainOn, maxLength, maxPromptTokens });
  const broken = new BrokenRows();
  const reading = { columns, log: note, broken: (error: DataError) => broken.add(error) };
  const rows = await readRows(source, { ...reading, defaultSplit: "train", ...(maxSamples !== undefined && { maxSamples }) });
  const evaluation = flags.eval === undefined ? undefined : await readRows(flags.eval, reading);
  const tokenizer = model === undefined ? undefined : await loadTokenizerOf(model);
  progress(`${rows.rows.length} rows`);
  const report = inspectRows(rows, { ...section, samples, ...(evaluation && { evaluation }), ...(broken.rows > 0 && { broken }), ...(tokenizer && { tokenizer }) });
  progress("");
  if (flags.json) printJson({ data: describeSource(source), ...report });
  else print(inspectText(describeSource(source), report, flags.eval, styles()));
  if (report.broken || report.problems.length > 0 || report.fits.every((fit) => fit.rows === 0)) process.exitCode = 1;
}

async function loadTokenizerOf(model: string): Promise<import("@verlet/core").ChatTokenizer> {
  const { loadTokenizer } = await import("@verlet/model");
  return loadTokenizer(await findTokenizerFolder(model));
}
