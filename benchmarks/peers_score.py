"""For `benchmarks/peers.py`: the tokens of rows, or an adapter's loss on the answers of rows that nobody trained on.

python peers_score.py tokens MODEL ROWS.jsonl
python peers_score.py loss MODEL ROWS.jsonl ADAPTER
"""

import json
import sys
from pathlib import Path

from transformers import AutoTokenizer

what, folder, rows_file = sys.argv[1:4]
tokenizer = AutoTokenizer.from_pretrained(folder)
chats = [json.loads(line)["messages"] for line in Path(rows_file).read_text().splitlines()]
ids = [tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False) for chat in chats]
if what == "tokens":
    print(sum(map(len, ids)))
    sys.exit()

import torch  # noqa: E402 - counting needs none
from peft import PeftModel  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
model = PeftModel.from_pretrained(base, sys.argv[4]).merge_and_unload().eval().to(torch.bfloat16)
loss = tokens = 0.0
for chat, row in zip(chats, ids, strict=True):
    prompt = len(tokenizer.apply_chat_template(chat[:-1], tokenize=True, add_generation_prompt=True, return_dict=False))
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row])).logits[0, prompt - 1 : -1].float()
    loss += torch.nn.functional.cross_entropy(logits, torch.tensor(row[prompt:]), reduction="sum").item()
    tokens += len(row) - prompt
print(loss / tokens)
