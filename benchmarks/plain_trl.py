"""A plain TRL script: what `benchmarks/overhead.py` compares our trainer with. Prints one JSON object.

python benchmarks/plain_trl.py MODEL_FOLDER ROWS.jsonl TOKENS_PER_STEP SEED [--same-casts]
"""

import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from peft.helpers import disable_input_dtype_casting
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
from trl import SFTConfig, SFTTrainer

folder, rows_file, tokens_per_step, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(2)
tokenizer = AutoTokenizer.from_pretrained(folder)
conversations = [json.loads(line)["messages"] for line in rows_file.read_text().splitlines()]
rows = [{"prompt": messages[:-1], "completion": messages[-1:]} for messages in conversations]
lengths = [len(tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)) for messages in conversations]
model = get_peft_model(
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16),
    LoraConfig(r=8, lora_alpha=16, lora_dropout=0.1, target_modules="all-linear", task_type="CAUSAL_LM"),
)
with tempfile.TemporaryDirectory() as output:
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=output,
            num_train_epochs=1,
            # As many rows a step as our token batches hold on average.
            per_device_train_batch_size=max(1, round(tokens_per_step / (sum(lengths) / len(lengths)))),
            learning_rate=1e-4,
            bf16=True,
            use_cpu=True,
            gradient_checkpointing=False,
            logging_steps=1,
            save_strategy="epoch",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
            max_length=None,
            seed=seed,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    same_casts = "--same-casts" in sys.argv
    with disable_input_dtype_casting(model) if same_casts else contextlib.nullcontext():
        began, cpu_began = time.monotonic(), time.process_time()
        trainer.train()
        seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu_began
print(json.dumps({"tokens": sum(lengths), "seconds": seconds, "cpu_seconds": cpu_seconds}))
