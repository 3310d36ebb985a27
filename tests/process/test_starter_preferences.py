"""The starter model learns to prefer the kind answers to the curt ones. Minutes long: `scripts/test --all` runs it."""

from pathlib import Path

from nightly import NIGHTLY, facts_of, train

pytestmark = NIGHTLY


def test_held_out_pairs_are_won_more_often(tmp_path: Path) -> None:
    asked = {"hyperparameters.learning_rate": 5e-4, "evaluation.kind": "hold_out", "evaluation.share": 0.3}
    settings = [f"--set={name}={value}" for name, value in asked.items()]
    arguments = ("examples/support-preferences.jsonl", "--objective=dpo", "--epochs=2")
    facts = facts_of(train(*arguments, *settings, data_dir=tmp_path))
    assert facts["preferred_last"] > facts["preferred_first"]
