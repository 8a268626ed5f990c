/** VERL's `data:` section. */
import { homedir } from "node:os";
import type { VerlRule } from "./verl-rule.js";
import { flag, idle, oneOrMany, only, read, text, to, whole } from "./verl-rule.js";
import type { VerlTranslation } from "./verl-translation.js";

type Files = string | readonly string[];

/** `~/data` as the shell would read it, which verl does too. */
export function fromHome(path: string): string {
  return path.replace(/^~(?=$|[/\\])/, () => homedir());
}

/** One file, or a list of several; a list of one counts as one. */
function putFiles(ours: string, files: Files, translation: VerlTranslation, rule: VerlRule<Files>): void {
  const paths = [files].flat().map(fromHome);
  translation.set(ours, paths.length === 1 ? paths[0] : paths, rule);
}

const trainFiles: VerlRule<Files> = {
  key: "data.train_files",
  ours: "data.train",
  type: oneOrMany,
  fallback: "",
  remark: "one file or several; .parquet, .jsonl, .json, or what another dataset reader takes",
  put: (files, translation, rule) => {
    if (!translation.isWritten(rule)) translation.refuse(rule, { what: "data.train_files is missing", expected: "the path of the training rows" });
    putFiles("data.train", files === "" ? "missing.jsonl" : files, translation, rule);
  },
};

export const valFiles: VerlRule<Files> = {
  key: "data.val_files",
  ours: "data.eval",
  type: oneOrMany,
  fallback: "",
  remark: "evaluated greedily, one answer a question",
  put: (files, translation, rule) => {
    if (files !== "") putFiles("data.eval", files, translation, rule);
  },
};

export const trainBatchSize = to("data.train_batch_size", "trainer.batchSize", whole, 1024, { remark: "prompts" });
export const maxPromptLength = to("data.max_prompt_length", "data.maxPromptTokens", whole, 512, { remark: "longer prompts are dropped and counted" });
export const maxResponseLength = read("data.max_response_length", "rollout.maxNewTokens", whole, 512, "");

export const NO_EVALUATION = "not read: there are no data.val_files";

const few = (count: number): number | undefined => (count < 0 ? undefined : count);

export const dataRules: readonly VerlRule[] = [
  trainFiles,
  valFiles,
  trainBatchSize,
  maxPromptLength,
  maxResponseLength,
  read("data.prompt_key", "data.columns.prompt", text, "prompt", "a column of messages or text; the chat template is always applied", (column, translation, rule) => {
    translation.set("data.columns.prompt", column, rule);
    translation.set("data.chatTemplate", "always", rule);
    translation.set("data.columns.answer", "reward_model.ground_truth", { key: "(a row's) reward_model.ground_truth" });
  }),
  read("data.train_max_samples", "data.maxSamples", whole, -1, "the first rows, of each file; −1 = all", (count, translation, rule) => {
    translation.set("data.maxSamples", few(count), rule);
    if (count > 0 && [translation.value(trainFiles)].flat().length > 1) translation.note(rule, "taken of each file; verl takes as many of all together");
  }),
  read("data.val_max_samples", "data.maxEvalSamples", whole, -1, "the first rows, of each file; −1 = all", (count, translation, rule) => {
    if (translation.value(valFiles) !== "") translation.set("data.maxEvalSamples", few(count), rule);
    else if (count > 0) translation.note(rule, NO_EVALUATION);
  }),
  to("data.shuffle", "data.shuffle", flag, true),
  to("data.seed", "trainer.seed", whole.nullable(), null, { convert: (seed) => seed ?? undefined, remark: "of every random choice of the run, not of the rows' order alone" }),
  ...idle("prompts longer than the limit are dropped and counted, never cut", "data.truncation", "data.filter_overlong_prompts", "data.filter_overlong_prompts_workers"),
  ...idle("rows are read and kept as they are", "data.return_raw_input_ids", "data.return_raw_chat", "data.return_full_prompt", "data.return_multi_modal_inputs"),
  ...idle("rows hold text, no images or videos", "data.image_key", "data.video_key", "data.image_patch_size"),
  ...idle("evaluation takes the rows in order, as many at a time as training samples", "data.val_batch_size", "data.validation_shuffle"),
  ...idle("rows are read in this process", "data.dataloader_num_workers", "data.use_shm", "data.trust_remote_code"),
  only("data.tokenizer", [], "the tokenizer is the model folder's own"),
  only("data.tool_config_path", [], "tools during sampling"),
  only("data.custom_cls.path", [], "a data set class", "Register a dataset reader and list its file under `verlet: { plugins: […] }`"),
  only("data.sampler.class_path", [], "a sampler of rows"),
  only("data.datagen.path", [], "a generator of rows"),
  only("data.apply_chat_template_kwargs", [], "variables for the chat template"),
  ...idle("read only beside its path", "data.custom_cls.name", "data.sampler.class_name", "data.datagen.name"),
];
