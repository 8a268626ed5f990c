"""transformers' generate(): sampling with a KV cache from one token on."""
import time

import torch
from common import begin, finish, given, load_model, vocabulary

rows, new_tokens = given["rows"], given["newTokens"]
model = load_model().eval()
times = []
for i in range(given["warm"] + given["steps"]):
    if i == given["warm"]:
        begin()
    ids = torch.randint(3, vocabulary, (rows, 1))
    start = time.perf_counter()
    output = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, do_sample=True, top_k=0)
    if i >= given["warm"]:
        times.append(1e3 * (time.perf_counter() - start) / new_tokens)
    assert output.shape == (rows, 1 + new_tokens)
finish(times, tokens=rows)
