"""Loads model folders with transformers (and adapters with PEFT) and says what came out of each.

Argument: {"cases": [{"folder", "adapter"?, "autoPeft"?, "merged"?, "tokenizer"?, "logits", "ids", "mask", "prompts", "maxNewTokens", "texts",
"messages"?}]}. Prints a list with one result a case; the logits of a case go to the file that it names.
"""
import json
import sys

import torch
from peft import AutoPeftModelForCausalLM, PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.manual_seed(0)


def load_plain(case):
    model, info = AutoModelForCausalLM.from_pretrained(case["folder"], dtype=torch.float32, output_loading_info=True)
    problems = {key: sorted(map(str, value)) for key, value in info.items() if value}
    stored = str(AutoModelForCausalLM.from_pretrained(case["folder"]).dtype)
    return model, problems, stored


def load_adapter(case):
    if case.get("autoPeft"):  # finds its base model by itself
        return AutoPeftModelForCausalLM.from_pretrained(case["adapter"], dtype=torch.float32)
    base = AutoModelForCausalLM.from_pretrained(case["folder"], dtype=torch.float32)
    return PeftModel.from_pretrained(base, case["adapter"])


def logits_of(model, case):
    with torch.no_grad():
        return model(input_ids=torch.tensor(case["ids"]), attention_mask=torch.tensor(case["mask"])).logits.float().contiguous()


def generate(model, tokenizer, prompt, count):
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        out = model.generate(**ids, do_sample=False, max_new_tokens=count, pad_token_id=tokenizer.pad_token_id)
    new = out[0, ids["input_ids"].shape[1]:]
    return {"ids": new.tolist(), "text": tokenizer.decode(new, skip_special_tokens=True)}


def run(case):
    result = {}
    if case.get("adapter"):
        model = load_adapter(case)
        result["peft"] = {name: config.to_dict()["peft_type"] for name, config in model.peft_config.items()}
        if case.get("merged"):
            model = model.merge_and_unload()
    else:
        model, result["problems"], result["dtype"] = load_plain(case)
    model.eval()
    save_file({"logits": logits_of(model, case)}, case["logits"])
    tokenizer = AutoTokenizer.from_pretrained(case.get("tokenizer") or case["folder"])
    result["generated"] = [generate(model, tokenizer, prompt, case["maxNewTokens"]) for prompt in case["prompts"]]
    result["tokens"] = [tokenizer(text)["input_ids"] for text in case["texts"]]
    if case.get("messages"):
        result["chat"] = tokenizer.apply_chat_template(case["messages"], tokenize=False, add_generation_prompt=True)
    return result


print(json.dumps([run(case) for case in json.loads(sys.argv[1])["cases"]], default=str))
