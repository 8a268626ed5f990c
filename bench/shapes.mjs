/** The models of the benchmark, as config.json of transformers. Weights are random: neither side is faster for good ones. */

const common = {
  architectures: ["Qwen3ForCausalLM"],
  model_type: "qwen3",
  hidden_act: "silu",
  rms_norm_eps: 1e-6,
  initializer_range: 0.02,
  attention_bias: false,
  attention_dropout: 0,
  tie_word_embeddings: true,
  bos_token_id: null,
  pad_token_id: 0,
};

export const shapes = {
  /** 29.4 M parameters in Qwen3's shape. */
  a: {
    dtype: "float32",
    config: {
      ...common,
      hidden_size: 512,
      num_hidden_layers: 8,
      num_attention_heads: 8,
      num_key_value_heads: 4,
      head_dim: 64,
      intermediate_size: 1536,
      vocab_size: 8192,
      rope_theta: 10000,
      max_position_embeddings: 8192,
    },
  },
  /** Qwen3-0.6B's own shape, 596 M parameters. */
  "0.6b": {
    dtype: "bfloat16",
    config: {
      ...common,
      hidden_size: 1024,
      num_hidden_layers: 28,
      num_attention_heads: 16,
      num_key_value_heads: 8,
      head_dim: 128,
      intermediate_size: 3072,
      vocab_size: 151936,
      rope_theta: 1000000,
      max_position_embeddings: 40960,
    },
  },
};

/** Name and shape of every weight, in the order of the file. */
export function weightsOf({ hidden_size: hidden, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim, intermediate_size: mlp, vocab_size }) {
  const q = num_attention_heads * head_dim;
  const kv = num_key_value_heads * head_dim;
  const layer = (i) =>
    Object.entries({
      "input_layernorm": [hidden],
      "self_attn.q_proj": [q, hidden],
      "self_attn.k_proj": [kv, hidden],
      "self_attn.v_proj": [kv, hidden],
      "self_attn.o_proj": [hidden, q],
      "self_attn.q_norm": [head_dim],
      "self_attn.k_norm": [head_dim],
      "post_attention_layernorm": [hidden],
      "mlp.gate_proj": [mlp, hidden],
      "mlp.up_proj": [mlp, hidden],
      "mlp.down_proj": [hidden, mlp],
    }).map(([name, shape]) => [`model.layers.${i}.${name}.weight`, shape]);
  return [["model.embed_tokens.weight", [vocab_size, hidden]], ...Array.from({ length: num_hidden_layers }, (_, i) => layer(i)).flat(), ["model.norm.weight", [hidden]]];
}
