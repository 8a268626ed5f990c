"""TRL's GRPOTrainer, sampling with transformers: no KL term, token-mean loss, one optimizer step for each sampled batch."""
import time

from common import Clock, adapter, finish, given, load_model, load_tokenizer, random_words, run, training_arguments, vocabulary
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

prompts, samples, prompt_tokens, new_tokens = given["prompts"], given["samples"], given["promptTokens"], given["newTokens"]
generating = []


def lower_half(completion_ids, **_):
    return [sum(token < vocabulary // 2 for token in ids) / len(ids) for ids in completion_ids]


class Timed(GRPOTrainer):
    def _generate_single_turn(self, *arguments, **keywords):
        start = time.perf_counter()
        result = super()._generate_single_turn(*arguments, **keywords)
        generating.append(1e3 * (time.perf_counter() - start))
        lengths = {len(ids) for ids in result[0]}
        assert lengths == {new_tokens}, f"completions of {lengths} tokens"
        return result


clock = Clock()
trainer = Timed(
    model=load_model(),
    processing_class=load_tokenizer(),
    train_dataset=Dataset.from_dict({"prompt": [" ".join(f"t{word}" for word in row) for row in random_words(64, prompt_tokens)]}),
    reward_funcs=[lower_half],
    callbacks=[clock],
    peft_config=adapter(),
    args=GRPOConfig(
        **training_arguments(),
        per_device_train_batch_size=prompts * samples,
        num_generations=samples,
        max_completion_length=new_tokens,
        beta=0.0,
        num_iterations=1,
        loss_type="dapo",
        temperature=1.0,
        learning_rate=1e-5,
    ),
)
loss = run(trainer)
measured = generating[given["warm"] :]
finish(clock.times(), tokens=prompts * samples * (prompt_tokens + new_tokens), parts={"sampling": sum(measured) / len(measured)}, loss=loss)
