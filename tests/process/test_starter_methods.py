"""The starter model learns its starter examples by each of the five methods. Nightly only: `scripts/test --all`."""

from pathlib import Path

import pytest
from nightly import NIGHTLY, facts_of, train

pytestmark = NIGHTLY


@pytest.mark.parametrize("method", ["lora", "qlora", "prefix", "adapter", "full"])
def test_the_held_out_loss_falls(method: str, tmp_path: Path) -> None:
    """At the learning rate that the studio suggests for the method."""
    facts = facts_of(train("examples/support.jsonl", "--method", method, "--epochs", "1", data_dir=tmp_path))
    assert facts["eval_loss_last"] < 0.9 * facts["eval_loss_first"]
