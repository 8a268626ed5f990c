"""transformers' from_pretrained, in the file's own number format, and a first pass through the model."""
import time

import torch
from common import begin, finish, load_model, peak_memory

begin()
start = time.perf_counter()
model = load_model()
loaded = time.perf_counter() - start
peak = peak_memory()
with torch.no_grad():
    model(torch.tensor([[3, 4, 5, 6]]))
finish([1e3 * loaded], peak=peak, parts={"with a first pass": 1e3 * (time.perf_counter() - start), "peak with a first pass": peak_memory()})
