"""Plain TRL for `benchmarks/peers.py`: python peers_trl.py MODEL ROWS.jsonl OUTPUT RATE SEED ROWS_A_STEP."""

import json
import sys
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

model, rows_file, output, rate, seed, rows_a_step = sys.argv[1:]


class Progress(TrainerCallback):
    def __init__(self) -> None:
        self._file = (Path(output) / "progress.jsonl").open("a", buffering=1)

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._file.write(json.dumps({"train_begin": True}) + "\n")

    def on_step_end(self, _args: Any, state: Any, *_: Any, **__: Any) -> None:
        self._file.write(json.dumps({"step": state.global_step}) + "\n")


conversations = [json.loads(line)["messages"] for line in Path(rows_file).read_text().splitlines()]
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(
        output_dir=output,
        num_train_epochs=1,
        per_device_train_batch_size=int(rows_a_step),
        learning_rate=float(rate),
        seed=int(seed),
        logging_steps=1,
        report_to="none",
        use_cpu=True,
    ),
    # As prompt and completion, so that it learns from the answers only, as the others do.
    train_dataset=Dataset.from_list([{"prompt": rows[:-1], "completion": rows[-1:]} for rows in conversations]),
    peft_config=LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"),
    callbacks=[Progress()],
)
trainer.train()
trainer.save_model(output)
