import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ModelError, z } from "@verlet/core";
import type { LoraConfig } from "./lora.js";
import { parseJson } from "./parse-json.js";
import { projectionNames, type ProjectionName } from "./weight-names.js";

export const ADAPTER_CONFIG = "adapter_config.json";
export const ADAPTER_WEIGHTS = "adapter_model.safetensors";

const adapterFields = z.looseObject({
  peft_type: z.literal("LORA"),
  r: z.int().positive(),
  lora_alpha: z.number(),
  lora_dropout: z.number().default(0),
  target_modules: z.union([z.string(), z.array(z.string())]),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  bias: z.string().default("none"),
  modules_to_save: z.array(z.string()).nullish(),
  rank_pattern: z.record(z.string(), z.number()).nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
  layers_to_transform: z.unknown().optional(),
  base_model_name_or_path: z.string().nullish(),
});

/** Reads PEFT's adapter_config.json. Throws ModelError on options that would change the numbers and are not supported. */
export async function readAdapterConfig(folder: string): Promise<{ lora: LoraConfig; base: string | undefined }> {
  const path = join(folder, ADAPTER_CONFIG);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ModelError({ where: path, what: "no adapter here", got: "no adapter_config.json", fix: "Give the folder that PEFT or verlet saved" }, { cause });
  });
  const parsed = adapterFields.safeParse(parseJson(text, path));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new ModelError({ where: `${path}: ${issue.path.join(".")}`, what: "unsupported adapter", got: issue.message });
  }
  const fields = parsed.data;
  const unsupported: [string, boolean][] = [
    [`bias: ${fields.bias}`, fields.bias !== "none"],
    ["modules_to_save", Boolean(fields.modules_to_save?.length)],
    ["rank_pattern", Object.keys(fields.rank_pattern ?? {}).length > 0],
    ["alpha_pattern", Object.keys(fields.alpha_pattern ?? {}).length > 0],
    ["layers_to_transform", fields.layers_to_transform != null],
  ];
  const refused = unsupported.find(([, present]) => present);
  if (refused) throw new ModelError({ where: path, what: "unsupported adapter option", got: refused[0], expected: "one rank for whole layers" });
  return {
    lora: {
      r: fields.r,
      alpha: fields.lora_alpha,
      dropout: fields.lora_dropout,
      targetModules: targetNames(fields.target_modules, path),
      rslora: fields.use_rslora,
      dora: fields.use_dora,
    },
    base: fields.base_model_name_or_path ?? undefined,
  };
}

/** PEFT matches a module whose name equals a target or ends in `.target`. */
function targetNames(targets: string | readonly string[], where: string): "all-linear" | ProjectionName[] {
  if (targets === "all-linear") return targets;
  const list = typeof targets === "string" ? [targets] : targets;
  return list.map((target) => {
    const name = projectionNames.find((projection) => target === projection || target.endsWith(`.${projection}`));
    if (!name) throw new ModelError({ where, what: "unsupported target module", got: target, expected: projectionNames.join(", ") });
    return name;
  });
}

/** What PEFT is told about the model around the adapter. */
export interface AdapterTask {
  taskType: "CAUSAL_LM" | "TOKEN_CLS" | "SEQ_CLS";
  /** Modules trained whole and saved beside the adapter. */
  modulesToSave: readonly string[] | null;
}

/** Writes adapter_config.json as PEFT reads it. */
export async function writeAdapterConfig(folder: string, lora: LoraConfig, base: string, { taskType, modulesToSave }: AdapterTask = { taskType: "CAUSAL_LM", modulesToSave: null }): Promise<void> {
  await mkdir(folder, { recursive: true });
  const config = {
    peft_type: "LORA",
    task_type: taskType,
    base_model_name_or_path: base,
    r: lora.r,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout,
    target_modules: lora.targetModules === "all-linear" ? projectionNames : lora.targetModules,
    use_rslora: lora.rslora,
    use_dora: lora.dora,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: modulesToSave,
  };
  await writeFile(join(folder, ADAPTER_CONFIG), `${JSON.stringify(config, null, 2)}\n`);
}
