/** VERL's `actor_rollout_ref.model:` section. */
import { z } from "zod";
import { fromHome } from "./verl-data.js";
import type { VerlRule } from "./verl-rule.js";
import { flag, idle, oneOrMany, only, read, text, to, whole } from "./verl-rule.js";

const section = "actor_rollout_ref.model";

export const modelPath: VerlRule<string> = {
  key: `${section}.path`,
  ours: "model.path",
  type: text,
  fallback: "",
  remark: "a Hugging Face folder on this machine",
  put: (path, translation, rule) => {
    if (!translation.isWritten(rule)) translation.refuse(rule, { what: `${section}.path is missing`, expected: "a Hugging Face model folder" });
    translation.set("model.path", fromHome(path || "missing"), rule);
  },
};

const loraAlpha = read(`${section}.lora_alpha`, "model.lora.alpha", z.number(), 16, "with lora_rank above 0");
const targetModules = read(`${section}.target_modules`, "model.lora.targetModules", oneOrMany, "all-linear", "with lora_rank above 0");

export const loraRank = read(`${section}.lora_rank`, "model.lora.r", whole, 0, "0 = all weights are trained; no dropout, as in verl", (rank, translation, rule) => {
  if (rank === 0) return;
  const modules = translation.value(targetModules);
  translation.set("model.lora.r", rank, rule);
  translation.set("model.lora.alpha", translation.value(loraAlpha), loraAlpha);
  translation.set("model.lora.dropout", 0, rule);
  translation.set("model.lora.targetModules", typeof modules === "string" && modules !== "all-linear" ? [modules] : modules, targetModules);
});

export const modelRules: readonly VerlRule[] = [
  modelPath,
  loraRank,
  loraAlpha,
  targetModules,
  to(`${section}.lora_adapter_path`, "model.adapter", text.nullable(), null, { convert: (path) => (path === null ? undefined : fromHome(path)), remark: "goes on training that adapter" }),
  only(`${section}.exclude_modules`, [], "layers left out of LoRA"),
  only(`${section}.hf_config_path`, [], "a config.json elsewhere than in the model's folder"),
  {
    ...only(`${section}.tokenizer_path`, [], "a tokenizer elsewhere than in the model's folder"),
    put: (path, translation, rule) => {
      if (path === undefined || path === null || path === translation.value(modelPath)) return;
      translation.refuse(rule, { what: `${rule.key} differs from the model's path`, expected: "the model's own folder", fix: "Copy the tokenizer's files there" });
    },
  },
  only(`${section}.custom_chat_template`, [], "a chat template that is not the tokenizer's", "Write it into the folder's tokenizer_config.json"),
  only(`${section}.external_lib`, [], "a Python module", "Register parts in TypeScript and list the file under `verlet: { plugins: […] }`"),
  only(`${section}.override_config`, [], "a model that differs from its config.json", "Change the folder's config.json"),
  only(`${section}.mtp.enable`, [false], "multi-token prediction"),
  ...idle("read only with mtp.enable", `${section}.mtp.*`),
  to(`${section}.enable_gradient_checkpointing`, "trainer.gradientCheckpointing", flag, true, { remark: "for the critic as well" }),
  ...idle("speed and memory of PyTorch", ...["gradient_checkpointing_kwargs", "enable_activation_offload", "use_remove_padding", "use_liger", "use_fused_kernels", "fused_kernel_options.*", "tiled_mlp.*", "use_shm", "trust_remote_code"].map((key) => `${section}.${key}`)),
];
