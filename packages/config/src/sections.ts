/** The schemas of the YAML's sections. Every default of a section key lives here and nowhere else. */
import { z } from "zod";

const path = (): z.ZodString => z.string().min(1);
const count = (): z.ZodInt => z.int().min(1);
const countOrZero = (): z.ZodInt => z.int().min(0);
const fraction = (): z.ZodNumber => z.number().min(0).max(1);
const coefficient = (): z.ZodNumber => z.number().min(0);

export const backendNames = ["auto", "native", "tfjs-node-gpu", "tfjs-node", "webgpu", "wasm", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];

export const loraSchema = z.strictObject({
  r: count().default(16).describe("Rank of the two adapter matrices."),
  alpha: z.number().gt(0).default(32).describe("Scale: the adapter counts alpha / r (rslora: alpha / sqrt(r))."),
  dropout: z.number().min(0).lt(1).default(0.05).describe("Dropout on the adapter's input while training."),
  targetModules: z
    .union([z.literal("all-linear"), z.array(z.string().min(1)).min(1)])
    .default("all-linear")
    .describe("Which linear layers get an adapter: all-linear, or names such as q_proj, v_proj."),
  rslora: z.boolean().default(false).describe("Rank-stabilised scale."),
  dora: z.boolean().default(false).describe("Weight-decomposed adapters."),
});

export const modelSchema = z
  .strictObject({
    path: path().describe("A Hugging Face model folder."),
    init: z
      .enum(["pretrained", "random"])
      .default("pretrained")
      .describe("random: the folder needs only config.json and the tokenizer; weights are drawn from the seed."),
    dtype: z.enum(["float32", "bfloat16", "float16"]).optional().describe("Type of the saved weights; as loaded without it."),
    computeDtype: z
      .enum(["float32", "bfloat16"])
      .default("float32")
      .describe("Format of matrix products; weights, gradients and optimizer state stay float32. bfloat16 needs the native backend."),
    baseDtype: z
      .enum(["float32", "bfloat16", "int8", "int4"])
      .default("float32")
      .describe("Format in memory of the weights under an adapter. int8: a scale a row; int4: NF4, a scale for each 64 numbers; embeddings and head are then bfloat16. All but float32 need the native backend."),
    lora: loraSchema.optional().describe("Train an adapter instead of all weights; {} takes the defaults."),
    adapter: path().optional().describe("A PEFT adapter folder to go on training."),
  })
  .refine((model) => !(model.lora && model.adapter), {
    path: ["lora"],
    message: "no `lora` beside `adapter`, whose own settings are used",
  })
  .refine((model) => model.init === "pretrained" || !(model.lora || model.adapter), {
    path: ["init"],
    message: "pretrained weights under an adapter: random ones are saved nowhere, so the adapter could not be loaded",
  })
  .refine((model) => model.baseDtype === "float32" || model.lora || model.adapter, {
    path: ["baseDtype"],
    message: "float32 where all weights are trained; fewer bits need `lora` or `adapter`",
  });

const columnsSchema = z.strictObject({
  prompt: z.string().optional().describe("Column of the prompt."),
  completion: z.string().optional().describe("Column of the completion (SFT)."),
  messages: z.string().optional().describe("Column of the chat messages."),
  text: z.string().optional().describe("Column of plain text (SFT)."),
  answer: z.string().optional().describe("Column that rewards compare with."),
});

/** One data set as a mapping. */
const sourceSchema = z.strictObject({
  path: path().describe("A file, or hf://owner/name."),
  name: z.string().min(1).optional().describe("What data_source says of its rows where several data sets are read."),
  config: z.string().min(1).optional().describe("Configuration of a data set of the hub."),
  revision: z.string().min(1).optional().describe("Branch, tag or commit of a data set of the hub."),
  split: z.string().min(1).optional().describe("train, train[:1000], train[10%:20%]; [:1000] for a file."),
  columns: columnsSchema.optional().describe("Its own column names."),
  maxSamples: count().optional().describe("Use only its first rows."),
});
const weightedSchema = sourceSchema.extend({ weight: z.number().gt(0).optional().describe("Share of the rows drawn, relative to the other data sets.") });

export const dataSchema = z.strictObject({
  train: z
    .union([path(), sourceSchema, z.array(z.union([path(), weightedSchema])).min(1)])
    .describe("The training rows: a file that a dataset reader takes, such as .jsonl, hf://owner/name, or a list of them."),
  eval: z
    .union([path(), sourceSchema, z.array(z.union([path(), sourceSchema])).min(1)])
    .optional()
    .describe("The evaluation rows, in the same way."),
  columns: columnsSchema.prefault({}).describe("Names of this data set's columns, where they are not the usual ones."),
  chatTemplate: z
    .enum(["auto", "always", "never"])
    .default("auto")
    .describe("auto: chats go through the chat template, plain strings do not; always wraps strings as user and assistant turns."),
  maxSamples: count().optional().describe("Use only the first rows, of each data set in a list."),
  maxEvalSamples: count().optional().describe("Use only the first evaluation rows, in the same way."),
  maxLength: z.int().min(2).default(1024).describe("SFT: longer rows are cut at the end, in tokens."),
  maxPromptTokens: count().default(512).describe("RL: longer prompts are dropped, and counted."),
  trainOn: z
    .enum(["auto", "completion", "assistant", "all"])
    .default("auto")
    .describe("SFT: which tokens are trained. auto = the completion of prompt/completion rows, everything otherwise."),
  packing: z
    .boolean()
    .default(false)
    .describe("SFT: put several examples into one row of at most maxLength tokens, each seeing only itself; trainer.batchSize counts such rows."),
  groupByLength: z.boolean().default(false).describe("SFT: draw rows of similar length together, so that batches hold less padding."),
  shuffle: z.boolean().default(true).describe("Draw the rows in a seeded order, a new one each epoch."),
});

export const rolloutSchema = z.strictObject({
  numGenerations: count().default(8).describe("G, completions sampled for each prompt."),
  maxNewTokens: count().default(256).describe("C, the most tokens of a completion."),
  temperature: z.number().min(0).default(1).describe("Of sampling; 0 = greedy."),
  topP: z.number().gt(0).max(1).default(1).describe("Keep the smallest set of tokens with at least this probability; 1 = off."),
  topK: countOrZero().default(0).describe("Keep the k best tokens; 0 = off."),
  minP: fraction().default(0).describe("Drop tokens less likely than minP times the best one; 0 = off."),
  repetitionPenalty: z.number().gt(0).default(1).describe("> 1 makes tokens already present less likely; 1 = off."),
  batchSize: countOrZero().default(0).describe("Rows sampled at a time; 0 = all at once."),
});

/** The keys that stand beside `name` in each entry of `rewards:`. */
export const rewardSchema = z.strictObject({
  weight: z.number().default(1).describe("Its factor in the weighted sum."),
  timeout: z.number().gt(0).default(60).describe("Seconds one call may take."),
  onError: z
    .union([z.enum(["raise", "skip"]), z.number()])
    .default("raise")
    .describe("raise stops the run when the reward fails; skip leaves the sample unscored by it; a number is then its score."),
});

/** The keys that stand beside `name` and the policy loss's own options in `loss:`. */
export const lossSchema = z.strictObject({
  aggregation: z
    .enum(["token-mean", "token-sum", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"])
    .default("token-mean")
    .describe("How the loss of each token becomes one number."),
  klCoef: coefficient().default(0).describe("Weight of the KL divergence from the reference model; 0 = no reference is loaded."),
  klEstimator: z
    .enum(["k1", "abs", "k2", "k3", "k3-unbounded", "k1+", "abs+", "k2+", "k3+"])
    .default("k3")
    .describe("How the KL divergence is estimated from samples; `+` keeps the value and takes the gradient of k2."),
  klPlace: z.enum(["loss", "reward"]).default("loss").describe("Add the KL term to the loss, or take it off each token's reward."),
  klController: z.enum(["fixed", "adaptive"]).default("fixed").describe("adaptive moves klCoef so that the KL stays near klTarget."),
  klTarget: z.number().gt(0).default(0.1).describe("The KL that the adaptive controller aims at."),
  klHorizon: count().default(10000).describe("Rows over which the adaptive controller reacts; more is slower."),
  klBiasCorrection: z.boolean().default(false).describe("Multiply the KL estimate by the ratio, with its gradient (TRL does so by default)."),
  entropyCoef: z.number().default(0).describe("Weight of an entropy bonus."),
  renormalize: z.boolean().default(false).describe("Renormalise log-probs over the tokens that topK, topP and minP keep, as they were sampled."),
  iterations: count().default(1).describe("Passes over each sampled batch."),
  miniBatches: count().default(1).describe("Equal parts of a sampled batch, each one update."),
  maskTruncated: z
    .boolean()
    .default(false)
    .describe("Leave completions that ran into the length limit out of the loss; their scores still count in their group."),
});

export const scheduleSchema = z
  .strictObject({
    name: z.enum(["constant", "linear", "cosine"]).default("constant").describe("How the rate goes on after the warm-up."),
    warmupRatio: fraction().default(0).describe("Share of all steps in which the rate rises from 0."),
    warmupSteps: countOrZero().optional().describe("The same as a number of steps."),
  })
  .refine((schedule) => schedule.warmupSteps === undefined || schedule.warmupRatio === 0, {
    path: ["warmupSteps"],
    message: "only one of `warmupRatio` and `warmupSteps`",
  });

export const optimizerSchema = z.strictObject({
  learningRate: z.number().gt(0).default(1e-5).describe("The highest rate of the schedule."),
  weightDecay: coefficient().default(0).describe("Decoupled, on all trained weights but norms and biases."),
  beta1: z.number().min(0).lt(1).default(0.9).describe("AdamW's decay of the mean."),
  beta2: z.number().min(0).lt(1).default(0.999).describe("AdamW's decay of the squares."),
  epsilon: z.number().gt(0).default(1e-8).describe("AdamW's guard against division by zero."),
  maxGradNorm: coefficient().default(1).describe("Gradients are scaled down to this global norm; 0 = off."),
  schedule: scheduleSchema.prefault({}).describe("How the learning rate changes over the run."),
});

/** `loggers` is not here: its entries are looked up in the registry. */
export const trainerSchema = z.strictObject({
  epochs: count().default(1).describe("Times every training row is seen."),
  batchSize: count().default(8).describe("Prompts (RL) or rows (SFT) in one optimizer step."),
  microBatchSize: countOrZero().default(0).describe("Rows in one forward and backward pass; 0 = all at once."),
  gradientCheckpointing: z
    .boolean()
    .default(false)
    .describe("Keep only each layer's input for the backward pass and run the layer again there: less memory, about a third more time."),
  memoryCheck: z
    .enum(["stop", "warn"])
    .default("stop")
    .describe("A run whose estimated memory is more than there is: stop it before it starts, or only warn of it."),
  maxSteps: count().optional().describe("Stop after this many optimizer steps."),
  compile: z.boolean().default(true).describe("Run training and decoding steps as TensorFlow graphs, on the native backend; false = op by op, everywhere."),
  seed: countOrZero().default(42).describe("Of every random choice in the run."),
  outputDir: path().default("./output").describe("The run's folder."),
  saveEvery: countOrZero().default(0).describe("Steps between checkpoints; 0 = only at the end."),
  evalEvery: countOrZero().default(0).describe("Steps between evaluations; 0 = only at the end."),
  keepLast: count().default(2).describe("Checkpoints kept, the newest ones."),
  keepBest: z
    .strictObject({
      metric: z.string().min(1).describe("An evaluation metric."),
      mode: z.enum(["max", "min"]).default("max").describe("Whether more or less is better."),
    })
    .optional()
    .describe("Also keep the checkpoint that is best by this metric."),
  resume: path().default("auto").describe("auto = from the newest checkpoint of outputDir, never, or a checkpoint's folder."),
  rolloutsEvery: countOrZero().default(10).describe("Steps between the files of sampled completions; 0 = none."),
});

export const DEFAULT_LOGGERS = ["console", "jsonl"] as const;
export const DEFAULT_REWARD_MANAGER = "naive";
export const DEFAULT_LOSS = "clip";
