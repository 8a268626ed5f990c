/** A model folder to train from random weights: a tiny tokenizer for the arithmetic rows and a small Qwen3 config. */
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ASSETS = fileURLToPath(new URL("../assets/quickstart/", import.meta.url));

export interface TinyModelShape {
  hiddenSize?: number;
  layers?: number;
  heads?: number;
  kvHeads?: number;
  headSize?: number;
  mlpSize?: number;
  /** Standard deviation of the first weights. Half of it and less, the usual 0.02 too, learns the task far slower. */
  initializerRange?: number;
}

/** Writes config.json, generation_config.json and the tokenizer's files; there are no weights. */
export async function writeTinyModelFolder(
  folder: string,
  { hiddenSize = 128, layers = 2, heads = 4, kvHeads = 2, headSize = 32, mlpSize = 384, initializerRange = 0.05 }: TinyModelShape = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) await copyFile(join(ASSETS, name), join(folder, name));
  const { model } = JSON.parse(await readFile(join(ASSETS, "tokenizer.json"), "utf8")) as { model: { vocab: Record<string, number> } };
  const { vocab } = model;
  const special = { eos_token_id: vocab["<|im_end|>"], pad_token_id: vocab["<|endoftext|>"] };
  const config = {
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    vocab_size: Object.keys(vocab).length,
    hidden_size: hiddenSize,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headSize,
    intermediate_size: mlpSize,
    hidden_act: "silu",
    max_position_embeddings: 512,
    initializer_range: initializerRange,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    rope_scaling: null,
    attention_bias: false,
    attention_dropout: 0,
    use_sliding_window: false,
    sliding_window: null,
    tie_word_embeddings: true,
    use_cache: true,
    torch_dtype: "float32",
    bos_token_id: null,
    ...special,
  };
  const write = (name: string, value: object): Promise<void> => writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await write("config.json", config);
  await write("generation_config.json", special);
}
