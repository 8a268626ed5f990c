/** The tokenizer's side of a Hugging Face model folder. */
import { cp, mkdir, readFile, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ModelError } from "@verlet/core";

/** What a model folder may hold beside its weights that belongs to the tokenizer or to generation. */
const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "additional_chat_templates",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
  "generation_config.json",
];

type JsonObject = Record<string, unknown>;

export interface TokenizerFiles {
  tokenizer: JsonObject;
  /** tokenizer_config.json with special_tokens_map.json under it; every special token is a plain string. */
  config: JsonObject;
  /** The template's source: chat_template.jinja, else the one in tokenizer_config.json (the one named "default" of several). */
  chatTemplate?: string;
  /** `eos_token_id` of generation_config.json, or of config.json where that file is missing. */
  stopTokenIds: number[];
}

/** @throws ModelError for a missing or broken file. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const [tokenizer, config, specialTokens, generation, model, template] = await Promise.all([
    readJson(folder, "tokenizer.json"),
    readJson(folder, "tokenizer_config.json"),
    readJson(folder, "special_tokens_map.json"),
    readJson(folder, "generation_config.json"),
    readJson(folder, "config.json"),
    readText(folder, "chat_template.jinja"),
  ]);
  if (!tokenizer) throw await missingTokenizer(folder);
  return {
    tokenizer,
    config: { ...plainTokens(specialTokens ?? {}), ...plainTokens(config ?? {}) },
    chatTemplate: template ?? pickTemplate(folder, config?.chat_template),
    stopTokenIds: [(generation ?? model)?.eos_token_id ?? []].flat().filter((id) => typeof id === "number"),
  };
}

/** Copies what there is of the tokenizer's files; an existing file in `to` is replaced. */
export async function copyTokenizerFiles(from: string, to: string): Promise<void> {
  if (resolve(from) === resolve(to)) return;
  await mkdir(to, { recursive: true });
  const present = new Set(await readdir(from));
  await Promise.all(
    TOKENIZER_FILES.filter((name) => present.has(name)).map((name) => cp(join(from, name), join(to, name), { recursive: true })),
  );
}

/** Special tokens come as strings or as objects with a `content`. */
function plainTokens(config: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, key.endsWith("_token") ? ((value as { content?: unknown } | null)?.content ?? value) : value]),
  );
}

function pickTemplate(folder: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  const named = Array.isArray(value) ? (value as { name?: unknown; template?: unknown }[]) : [];
  const chosen = named.find((one) => one.name === "default");
  if (typeof chosen?.template === "string") return chosen.template;
  throw new ModelError({
    where: join(folder, "tokenizer_config.json"),
    what: "no usable chat_template",
    got: Array.isArray(value) ? `templates named ${named.map((one) => String(one.name)).join(", ")}` : typeof value,
    expected: 'a string, or a list with one named "default"',
    fix: "Write the template to use into chat_template.jinja beside it",
  });
}

async function readText(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

async function readJson(folder: string, name: string): Promise<JsonObject | undefined> {
  const text = await readText(folder, name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as JsonObject;
  } catch (error) {
    throw new ModelError({ where: join(folder, name), what: `not valid JSON (${(error as Error).message})`, fix: "Copy the file again" });
  }
}

async function missingTokenizer(folder: string): Promise<ModelError> {
  const present = await readdir(folder).catch(() => undefined);
  return new ModelError({
    where: folder,
    what: "no tokenizer",
    got: present ? `a folder with ${present.length > 0 ? present.slice(0, 12).join(", ") : "nothing in it"}` : "no such folder",
    expected: "a Hugging Face model folder with tokenizer.json",
    fix: present ? "Save the fast tokenizer there: AutoTokenizer.from_pretrained(…).save_pretrained(…)" : howToGetFolder(folder, "Check model.path"),
  });
}

/** What to do where there is no model folder: documents name models of the hub, which are to be fetched first. */
export function howToGetFolder(folder: string, otherwise: string): string {
  return /^[\w-][\w.-]*\/[\w.-]+$/.test(folder) ? `Models are folders here. Fetch it: hf download ${folder} --local-dir ${folder}` : otherwise;
}
