"""Three numbers decide which checkpoints stay; a pin overrules them."""

from pathlib import Path

import pytest

from storage.manifest import seal
from storage.retention import PIN, Retention, kept_steps, superfluous

STEPS = (10, 20, 30, 40, 50)
LOSSES = {10: 3.0, 20: 1.0, 30: 2.0, 40: 2.5, 50: 2.6}


@pytest.mark.parametrize(
    ("keep", "losses", "stay"),
    [
        (Retention(), LOSSES, {20, 40, 50}),
        (Retention(best=0, latest=1), LOSSES, {50}),
        (Retention(best=2, latest=1), LOSSES, {20, 30, 50}),
        (Retention(best=1, latest=1, every=20), LOSSES, {20, 40, 50}),
        (Retention(best=3, latest=1), {}, {50}),
        (Retention(best=1, latest=100), LOSSES, set(STEPS)),
    ],
)
def test_best_latest_and_every(keep: Retention, losses: dict[int, float], stay: set[int]) -> None:
    assert kept_steps(STEPS, keep, losses) == stay


def test_pinned_and_unfinished_ones_are_left_alone(tmp_path: Path) -> None:
    for step in STEPS:
        partial = tmp_path / f"step-{step:08d}.partial"
        partial.mkdir()
        (partial / "weights").write_bytes(b"w")
        seal(partial, tmp_path / f"step-{step:08d}")
    (tmp_path / "step-00000010" / PIN).touch()
    (tmp_path / "step-00000060").mkdir()
    going = superfluous(tmp_path, Retention(best=0, latest=1), {})
    assert [path.name for path in going] == ["step-00000020", "step-00000030", "step-00000040"]
