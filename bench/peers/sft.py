"""TRL's SFTTrainer: all tokens in the loss, no padding, one optimizer step a batch."""
from common import Clock, adapter, finish, given, load_model, load_tokenizer, random_words, run, training_arguments
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

rows, width = given["rows"], given["width"]
clock = Clock()
trainer = SFTTrainer(
    model=load_model(),
    processing_class=load_tokenizer(),
    train_dataset=Dataset.from_dict({"input_ids": random_words(rows * (given["warm"] + given["steps"]), width)}),
    callbacks=[clock],
    peft_config=adapter(),
    args=SFTConfig(**training_arguments(), per_device_train_batch_size=rows, max_length=width, learning_rate=1e-4),
)
loss = run(trainer)
finish(clock.times(), tokens=rows * width, loss=loss)
