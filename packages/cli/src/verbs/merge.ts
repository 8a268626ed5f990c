import { existsSync, readdirSync } from "node:fs";
import { selectBackend } from "@verlet/backend";
import { CheckpointError } from "@verlet/core";
import { CausalLM, loadTokenizer, type WeightDtype } from "@verlet/model";
import { findFolders } from "../open-model.js";
import type { JsonFlag, ModelFlags } from "../options.js";
import { print, printJson } from "../output.js";
import { UsageError } from "../report-error.js";

export interface MergeFlags extends ModelFlags, JsonFlag {
  output: string;
  dtype?: WeightDtype;
}

export async function merge({ model, adapter, backend = "auto", output, dtype, json }: MergeFlags): Promise<void> {
  const folders = await findFolders({ model, adapter });
  if (folders.adapter === undefined) throw new UsageError("nothing to merge; give --adapter <folder>");
  refuseTaken(output);
  const tokenizer = await loadTokenizer(folders.tokenizer);
  await selectBackend(backend);
  const policy = await CausalLM.load(folders.base, { adapter: folders.adapter });
  await policy.saveMerged(output, dtype === undefined ? {} : { dtype });
  await tokenizer.save(output);
  policy.dispose();
  if (json) printJson({ model: folders.base, adapter: folders.adapter, output, dtype: dtype ?? null });
  else print(`${folders.base} with ${folders.adapter} merged into ${output}`);
}

/** A merged model never overwrites another one. */
function refuseTaken(output: string): void {
  const present = existsSync(output) ? readdirSync(output) : [];
  if (present.length === 0) return;
  throw new CheckpointError({
    where: `--output ${output}`,
    what: "the folder is not empty",
    got: present.slice(0, 6).join(", "),
    expected: "a new or empty folder",
    fix: "Give another one, or remove what is there",
  });
}
