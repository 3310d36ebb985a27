"""A run that goes on from another's output begins with the loss that the other ended with."""

from collections.abc import Callable
from typing import Any

import pytest

from core.start_folder import digest
from core.warm_start import way_on
from storage import manifest
from storage.events import Finished
from storage.methods import Adapter, Lora, Method
from storage.retention import sealed
from storage.spec import StartRef, Way
from training.start import START

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]


def finished(run: Any) -> Finished:
    ended = run.finish()
    assert isinstance(ended, Finished), run.log()
    return ended


def test_it_begins_where_the_other_ended(tiny_run: Callable[..., Any]) -> None:
    exact = {"weights_dtype": "float32"}
    learned: Method = Lora(dropout=0)
    first = tiny_run(epochs=2, method=learned, **exact)
    end = finished(first).facts
    assert end["eval_loss_last"] < end["eval_loss_first"]

    def from_(run: Any, before: Method, now: Method, step: int = 0) -> Any:
        folder = run.folder
        source = sealed(folder.checkpoints)[step] if step else folder.output
        start = StartRef(
            job_id=folder.job_id, step=step, name="other", method=before, way=way_on(before, now),
            sha256=digest(source, step, folder.lies_on(folder.spec())),
        )  # fmt: skip
        return tiny_run(method=now, start=start, learning_rate=1e-3, **exact)

    # The same adapter is trained on; another method begins on top of it, merged.
    on = finished(from_(first, learned, Lora(dropout=0.1))).facts
    assert on["eval_loss_first"] == pytest.approx(end["eval_loss_last"], abs=1e-6)
    top = from_(first, learned, Adapter(size=8))
    assert top.folder.spec().start.way is Way.MERGE
    on_top = finished(top).facts
    assert on_top["eval_loss_first"] == pytest.approx(end["eval_loss_last"], abs=1e-4)
    assert manifest.damage(top.folder.output) is None
    assert (top.folder.output / START / "adapter_config.json").is_file()

    # So does a checkpoint, which does not hold what its adapter lies on top of.
    last = max(sealed(top.folder.checkpoints))
    on_saved = finished(from_(top, Adapter(size=8), Adapter(size=8), step=last)).facts
    assert on_saved["eval_loss_first"] == pytest.approx(on_top["eval_loss_last"], abs=1e-4)

    # An adapter that lies on another one is loaded with it, and trained on in the same way.
    again = finished(from_(top, Adapter(size=8), Adapter(size=8))).facts
    assert again["eval_loss_first"] == pytest.approx(on_top["eval_loss_last"], abs=1e-4)
