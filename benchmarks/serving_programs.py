"""What serving_speed.py compares the worker with, each in a process: NAME MODEL [THREADS]; and its adapters."""

import json
import sys
import time
from pathlib import Path
from typing import Any


def say(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


def generate(model: str, threads: str) -> None:
    """transformers' `generate`: a batch that begins and ends together."""
    loaded, torch = load(model, threads)
    say({"ready": True})
    for line in sys.stdin:
        prompts, tokens = json.loads(line)
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        with torch.inference_mode():
            written = loaded.generate(
                input_ids=ids, attention_mask=mask, do_sample=False, min_new_tokens=tokens, max_new_tokens=tokens,
                pad_token_id=0,
            )  # fmt: skip
        say({"tokens": (written.shape[1] - width) * len(prompts)})


def generate_batch(model: str, threads: str) -> None:
    """transformers' continuous batching."""
    loaded, _ = load(model, threads)
    from transformers import ContinuousBatchingConfig, GenerationConfig

    settings = ContinuousBatchingConfig(num_blocks=256, max_batch_tokens=256)
    say({"ready": True})
    for line in sys.stdin:
        prompts, tokens = json.loads(line)
        asked = GenerationConfig(max_new_tokens=tokens, do_sample=False, eos_token_id=-1, pad_token_id=0)
        written = loaded.generate_batch(
            inputs=prompts, generation_config=asked, continuous_batching_config=settings, progress_bar=False
        )
        say({"tokens": sum(len(answer.generated_tokens) for answer in written.values())})


def llama_server(model: str, threads: str) -> None:
    """llama.cpp's own server as it comes, on a port of its own."""
    import xllamacpp

    asked = xllamacpp.CommonParams()
    asked.model.path, asked.n_parallel, asked.n_ctx, asked.verbosity = model, 8, 8192, 0
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = int(threads)
    server = xllamacpp.Server(asked)
    say({"ready": True, "address": server.listening_address})
    time.sleep(100_000)


def adapters(model: str, folder: str, count: str) -> None:
    """LoRA adapters as training writes them."""
    loaded, torch = load(model, "2")
    from storage.methods import Lora
    from training.methods import in_base_dtype, with_method

    tuned = with_method(loaded, Lora(dropout=0), None)
    for number in range(int(count)):
        for parameter in tuned.parameters():
            if parameter.requires_grad:
                torch.nn.init.normal_(parameter, std=0.01)
        in_base_dtype(tuned).save_pretrained(Path(folder) / f"adapter-{number:02}", save_embedding_layers=False)


def load(model: str, threads: str) -> tuple[Any, Any]:
    sys.path.append(str(Path(__file__).parents[1]))
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(int(threads))
    return AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16, use_safetensors=True).eval(), torch


if __name__ == "__main__":
    named = {"generate": generate, "generate_batch": generate_batch, "llama-server": llama_server, "adapters": adapters}
    named[sys.argv[1]](*sys.argv[2:])
