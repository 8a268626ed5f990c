/** Finds and loads what `--model`, `--adapter` and `--backend` name. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { selectBackend, type BackendInfo, type BackendName } from "@verlet/backend";
import { ModelError, type ChatTokenizer } from "@verlet/core";
import { ADAPTER_CONFIG, CausalLM, loadTokenizer, readAdapterConfig } from "@verlet/model";
import type { ModelFlags } from "./options.js";
import { UsageError } from "./report-error.js";

export interface OpenedModel {
  model: CausalLM;
  tokenizer: ChatTokenizer;
  backend: BackendInfo;
}

/** @throws ModelError for a folder without a usable model or tokenizer, BackendError where nothing computes. */
export async function openModel({ base, adapter, tokenizer }: ModelFolders, backend: BackendName = "auto"): Promise<OpenedModel> {
  const chatTokenizer = await loadTokenizer(tokenizer);
  const info = await selectBackend(backend);
  return { model: await CausalLM.load(base, adapter === undefined ? {} : { adapter }), tokenizer: chatTokenizer, backend: info };
}

export interface ModelFolders {
  base: string;
  adapter: string | undefined;
  /** The adapter's where it has one: training may have given it another chat template. */
  tokenizer: string;
}

/** A run with LoRA leaves an adapter's folder; given as the model, it brings the base that its config names. */
export async function findFolders({ model, adapter }: Pick<ModelFlags, "model" | "adapter">): Promise<ModelFolders> {
  requireFolder("--model", model);
  if (adapter !== undefined) requireFolder("--adapter", adapter);
  const isAdapter = !existsSync(join(model, "config.json")) && existsSync(join(model, ADAPTER_CONFIG));
  if (isAdapter && adapter !== undefined) throw new UsageError(`--model ${model} is an adapter itself; give --adapter with its base model`);
  const base = isAdapter ? await baseOf(model) : model;
  const given = isAdapter ? model : adapter;
  const tokenizer = [given, base].find((folder) => folder !== undefined && existsSync(join(folder, "tokenizer.json"))) ?? base;
  return { base, adapter: given, tokenizer };
}

/** The folder whose tokenizer a model's text goes through; of an adapter, its own or its base's. */
export async function findTokenizerFolder(model: string): Promise<string> {
  return (await findFolders({ model })).tokenizer;
}

function requireFolder(flag: string, folder: string): void {
  if (existsSync(folder)) return;
  throw new ModelError({ where: `${flag} ${folder}`, what: "no such folder", got: resolve(folder), fix: "Check the path; it starts where the command is run" });
}

async function baseOf(adapter: string): Promise<string> {
  const { base } = await readAdapterConfig(adapter);
  if (base === undefined || !existsSync(join(base, "config.json"))) {
    throw new ModelError({
      where: join(adapter, ADAPTER_CONFIG),
      what: "the adapter's base model is not here",
      got: base === undefined ? "no base_model_name_or_path" : `${base}, which is no model folder seen from ${resolve(".")}`,
      fix: `Name it: --model <its folder> --adapter ${adapter}`,
    });
  }
  return base;
}
