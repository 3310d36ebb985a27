"""The starter model learns to answer in one word because a grader likes it. Nightly only: `scripts/test --all`."""

from pathlib import Path

from nightly import NIGHTLY, facts_of, train

pytestmark = NIGHTLY


def test_the_mean_reward_of_held_out_prompts_rises(tmp_path: Path) -> None:
    events = train("examples/one-word-answers.jsonl", "--spec", "examples/one-word-answers.yaml", data_dir=tmp_path)
    facts = facts_of(events)
    assert facts["reward_last"] > facts["reward_first"] + 0.1
    # Not by a loophole: the right word is said at least about as often as before.
    right = [e["values"]["eval_reward/right"] for e in events if "eval_reward/right" in e.get("values", {})]
    assert right[-1] >= right[0] - 0.1
