"""Loads model folders with a value head as transformers' classifiers of one label, and says what each gives.

Argument: {"cases": [{"folder", "kind": "token" | "sequence" | "adapter", "ids"}]}. Prints a list with one
{"class", "problems"?, "scores"} a case: [B, T] of token classifiers, [B] of sequence classifiers.
"""
import json
import sys

import torch
from peft import AutoPeftModelForTokenClassification
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification


def load(case):
    if case["kind"] == "adapter":
        return AutoPeftModelForTokenClassification.from_pretrained(case["folder"], num_labels=1, dtype=torch.float32), None
    auto = AutoModelForTokenClassification if case["kind"] == "token" else AutoModelForSequenceClassification
    model, info = auto.from_pretrained(case["folder"], dtype=torch.float32, output_loading_info=True)
    return model, {key: sorted(map(str, value)) for key, value in info.items() if value}


def run(case):
    model, problems = load(case)
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor(case["ids"])).logits
    named = model.base_model.model if case["kind"] == "adapter" else model
    return {"class": type(named).__name__, "problems": problems, "scores": logits.squeeze(-1).tolist()}


print(json.dumps([run(case) for case in json.loads(sys.argv[1])["cases"]]))
