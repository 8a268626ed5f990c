"""PyTorch + transformers on the benchmark's model: one training step and one decode step. Prints one JSON line a case."""
import json, sys, time

argument = json.loads(sys.argv[1])
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM, logging

logging.set_verbosity_error()
torch.set_num_threads(argument["threads"])
torch.manual_seed(0)
model = Qwen3ForCausalLM(Qwen3Config(**argument["model"]))
vocabulary = argument["model"]["vocab_size"]


def median(values):
    return sorted(values)[len(values) // 2]


def timed(work, warm, count):
    for _ in range(warm):
        work()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return median(times)


if argument["case"] == "train":
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0, fused=True)
    rows, width = argument["rows"], argument["width"]

    def step():
        ids = torch.randint(3, vocabulary, (rows, width))
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    print(json.dumps({"ms": timed(step, 2, argument["count"])}))
else:
    model.eval()
    new = argument["tokens"]
    model.generation_config.pad_token_id = 0

    def generate():
        ids = torch.randint(3, vocabulary, (argument["rows"], 1))
        model.generate(ids, max_new_tokens=new, min_new_tokens=new, do_sample=True, top_k=0)

    print(json.dumps({"ms": timed(generate, 1, argument["count"]) / new}))
