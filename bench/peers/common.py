"""What every case of the peers does around its work: reads its record, loads the model, times, prints one line of JSON."""
import json, logging, os, sys, tempfile, time, warnings

given = json.loads(sys.argv[1])
os.environ.update(OMP_NUM_THREADS=str(given["threads"]), HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1", TOKENIZERS_PARALLELISM="false")
warnings.filterwarnings("ignore")

import torch
import transformers

torch.set_num_threads(given["threads"])
torch.manual_seed(0)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
logging.disable(logging.WARNING)

vocabulary = json.load(open(os.path.join(given["folder"], "config.json")))["vocab_size"]


def load_model():
    """Trained weights are float32; frozen ones have the type that the record names."""
    dtype = getattr(torch, given.get("base", "float32"))
    return transformers.AutoModelForCausalLM.from_pretrained(given["folder"], dtype=dtype)


def load_tokenizer():
    return transformers.AutoTokenizer.from_pretrained(given["folder"])


def random_words(rows, width):
    return torch.randint(3, vocabulary, (rows, width), generator=torch.Generator().manual_seed(1)).tolist()


def training_arguments():
    """What TRL's two configurations have in common."""
    return dict(
        output_dir=tempfile.mkdtemp(dir=given["work"]),
        use_cpu=True,
        bf16=given["compute"] == "bfloat16",
        gradient_checkpointing=bool(given.get("checkpointing")),
        max_steps=given["warm"] + given["steps"],
        lr_scheduler_type="constant",
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_num_workers=0,
    )


def adapter():
    from peft import LoraConfig

    return LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM") if given.get("lora") else None


started = 0.0


def begin():
    """The warm-up is over: the processor's time counts from here."""
    global started
    started = time.process_time()


class Clock(transformers.TrainerCallback):
    """Notes when each optimizer step ended."""

    def __init__(self):
        self.ends = []

    def on_step_end(self, *_, **__):
        self.ends.append(time.perf_counter())
        if len(self.ends) == given["warm"]:
            begin()

    def times(self):
        """From the end of one step to the end of the next, in ms, without the warm-up."""
        ends = self.ends[given["warm"] - 1 :]
        return [1e3 * (b - a) for a, b in zip(ends, ends[1:])]


def run(trainer):
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return [record["loss"] for record in trainer.state.log_history if "loss" in record][-1]


def peak_memory():
    """Highest resident memory of this process so far, in bytes."""
    try:
        return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def finish(times, **more):
    from importlib.metadata import version

    versions = {name: version(name) for name in ("torch", "transformers", "trl", "peft")}
    cpu = 1e3 * (time.process_time() - started) / len(times)
    print(json.dumps({"times": times, "cpu": cpu, "peak": peak_memory(), "versions": versions, **more}), flush=True)
