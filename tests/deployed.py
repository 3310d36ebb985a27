"""Models that a studio of the test's own has deployed, asked as its endpoint asks them; and adapters to bring there."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from core.people import Actor
from core.serving.conversation import answer
from core.studio import Studio

ALICE = Actor("Alice", "alice@example.org")


def adapter(folder: Path, **config: Any) -> Path:
    """A folder with a LoRA adapter's settings, and no weights yet."""
    folder.mkdir(parents=True)
    asked = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"], "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(asked | config))
    (folder / "adapter_model.safetensors").touch()
    return folder


def brought(studio: Studio, folder: Path) -> str:
    """The id of an adapter for the tiny model that changes nothing, put into the library."""
    layer = "base_model.model.model.layers.0.self_attn.q_proj.lora_"
    adapter(folder, task_type="CAUSAL_LM", base_model_name_or_path="nobody/tiny", lora_dropout=0.0)
    weights = {f"{layer}A.weight": np.zeros((8, 64), np.float32), f"{layer}B.weight": np.zeros((64, 8), np.float32)}
    save_file(weights, folder / "adapter_model.safetensors")
    return studio.model_arrivals.add(folder, actor=ALICE).id


def said(studio: Studio, name: str) -> str:
    """Up to eight tokens, drawn by chance."""

    async def whole() -> str:
        visit = await asyncio.to_thread(studio.endpoint.enter, name, actor=ALICE)
        return "".join([text async for text in answer(visit, name, [{"role": "user", "content": "Hi"}], 8)])

    return asyncio.run(whole())
