"""Makes small random models in the forms that transformers and PEFT write, and what each computes.

Argument: {"folder": where to write, "tokenizer": a folder to take the tokenizer from}. Prints a list of
{"name", "folder", "adapter"?, "dtype", "files"}; beside each model lies expected.safetensors with ids, mask and logits.
"""
import json
import os
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, Qwen2Config, Qwen3Config

request = json.loads(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(request["tokenizer"])
small = dict(
    vocab_size=len(tokenizer), hidden_size=64, intermediate_size=112, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    bos_token_id=None,
)
LLAMA3_ROPE = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=32)


def random_model(config, seed):
    """Every weight is drawn, norms and biases too: a fresh model's ones and zeros would hide a missing tensor."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "norm" in name else 0.0, 0.2)
    return model.eval()


def save_expected(model, folder):
    model.eval()
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(0, small["vocab_size"], (3, 11), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, :4] = 0  # padded on the left
    mask[2, 8:] = 0  # and on the right
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask).logits.float().contiguous()
    save_file({"ids": ids.int(), "mask": mask.int(), "logits": logits}, os.path.join(folder, "expected.safetensors"))


def save_full(name, config, dtype=torch.float32, seed=1, **how):
    folder = os.path.join(request["folder"], name)
    model = random_model(config, seed).to(dtype)
    model.save_pretrained(folder, **how)
    tokenizer.save_pretrained(folder)
    # Read back, since a model cast to float32 keeps the rounding that its rotary buffers suffered in half precision.
    save_expected(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), folder)
    return {"name": name, "folder": folder, "dtype": str(dtype).removeprefix("torch."), "files": sorted(os.listdir(folder))}


def save_adapter(name, base, **lora):
    folder = os.path.join(request["folder"], name)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base["folder"]), LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.1, **lora))
    torch.manual_seed(9)
    with torch.no_grad():
        for parameter_name, weight in model.named_parameters():
            if "lora_" in parameter_name and "magnitude" not in parameter_name:
                weight.normal_(0, 0.1)
    model.eval().save_pretrained(folder)
    save_expected(model, folder)
    return {"name": name, "folder": base["folder"], "adapter": folder, "dtype": base["dtype"], "files": sorted(os.listdir(folder))}


qwen3 = save_full("qwen3 tied", Qwen3Config(**small, head_dim=24, tie_word_embeddings=True))
models = [
    qwen3,
    save_full("qwen3 untied bfloat16 sharded", Qwen3Config(**small, head_dim=16, tie_word_embeddings=False), torch.bfloat16, max_shard_size="60KB"),
    save_full("qwen2 with biases", Qwen2Config(**small, tie_word_embeddings=True)),
    save_full("qwen2 float16", Qwen2Config(**small, tie_word_embeddings=False), torch.float16),
    save_full("llama with llama3 rope", LlamaConfig(**small, rope_parameters=LLAMA3_ROPE)),
    save_full("llama with attention and mlp biases", LlamaConfig(**small, attention_bias=True, mlp_bias=True)),
    save_adapter("lora on all linear layers", qwen3, r=4, lora_alpha=8, target_modules="all-linear"),
    save_adapter("rslora on q and v", qwen3, r=3, lora_alpha=6, use_rslora=True, target_modules=["q_proj", "v_proj"]),
    save_adapter("dora", qwen3, r=2, lora_alpha=4, use_dora=True, target_modules=["q_proj", "down_proj"]),
]
print(json.dumps(models))
