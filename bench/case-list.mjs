/**
 * What `npm run bench` measures. Both sides get the same record: shapes, warm-up and timed steps, number formats.
 * `microBatchSize` is ours alone: the same update from fewer rows at a time, for less memory; TRL takes all rows at once here.
 * `compute`: type of the matrix products; `base`: type of frozen weights under LoRA; weights that are trained are float32.
 */
const sft = { kind: "sft", model: "a", rows: 4, width: 256, warm: 3, steps: 10, compute: "float32" };
const grpo = { kind: "grpo", model: "a", prompts: 8, samples: 4, promptTokens: 32, newTokens: 64, microBatchSize: 8, warm: 2, steps: 4, compute: "float32" };
const generate = { kind: "generate", model: "a", newTokens: 96, warm: 1, steps: 4, compute: "float32" };
const large = { ...sft, model: "0.6b", rows: 2, width: 512, warm: 1, steps: 3, checkpointing: true };
const memory = { ...sft, rows: 2, warm: 1, steps: 2, checkpointing: true, table: "memory" };

export const cases = [
  { ...sft, name: "sft", title: "SFT, 4 × 256, full fine-tune, float32", goal: { ratio: 2 } },
  { ...sft, name: "sft-bf16", title: "SFT, 4 × 256, full fine-tune, bfloat16 compute", compute: "bfloat16", goal: { ratio: 2 } },
  { ...sft, name: "lora", title: "SFT, 4 × 256, LoRA r 16, float32", lora: true, goal: { ratio: 2 } },
  { ...sft, name: "lora-bf16", title: "SFT, 4 × 256, LoRA r 16, bfloat16 compute", lora: true, compute: "bfloat16", goal: { ratio: 2 } },
  { ...generate, name: "generate8", title: "sampling with a KV cache, batch 8, a token", rows: 8, goal: { ratio: 2 } },
  { ...generate, name: "generate32", title: "sampling with a KV cache, batch 32, a token", rows: 32, goal: { ratio: 1.6 } },
  { ...grpo, name: "grpo", title: "GRPO step, 8 × 4, 32 + 64 tokens, float32", goal: { ratio: 2.5, peakShare: 0.5 } },
  { ...grpo, name: "grpo-bf16", title: "GRPO step, 8 × 4, 32 + 64 tokens, bfloat16 compute", compute: "bfloat16" },
  { ...grpo, name: "grpo-lora", title: "GRPO step, 8 × 4, 32 + 64 tokens, LoRA r 16, float32", lora: true },
  { ...large, name: "lora-0.6b", title: "SFT, Qwen3-0.6B's shape, 2 × 512, LoRA r 16 on bfloat16 weights", lora: true, compute: "bfloat16", base: "bfloat16", needsGb: 8, goal: { peakGb: 4 } },
  { ...large, name: "sft-0.6b", title: "SFT, Qwen3-0.6B's shape, 2 × 512, full fine-tune, bfloat16 compute", compute: "bfloat16", needsGb: 16, goal: { peakGb: 11 } },
  { kind: "load", model: "0.6b", name: "load-0.6b", title: "loading Qwen3-0.6B's shape, 1.2 GB of bfloat16 (transformers maps the file and reads it on first use)", base: "bfloat16", steps: 1, needsGb: 6, goal: { seconds: 3, peakGb: 2.2 } },
  { kind: "quickstart", name: "quickstart-wasm", title: "the quickstart: wasm beside native", rounds: 1, goal: { slower: 4 } },
  ...[512, 1024, 2048, 4096].map((width) => ({ ...memory, name: `memory-${width}`, title: `SFT, 2 × ${width}, gradient checkpointing, float32`, width, rounds: 1, needsGb: 8 })),
];
