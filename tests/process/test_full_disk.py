"""Row 15 of the fault matrix with the real trainer: the disk fills up in the middle of a checkpoint."""

from pathlib import Path

import full_disk
import full_disk_training
import pytest

pytestmark = pytest.mark.process


@pytest.mark.skipif(not full_disk.can_mount(), reason="needs user namespaces to mount a small tmpfs")
def test_15_a_run_that_meets_a_full_disk_pauses_and_goes_on_when_there_is_room(tiny_model: Path) -> None:
    script, size_mb = full_disk_training.__file__, full_disk_training.SIZE_MB
    assert full_disk.on_small_disk(str(tiny_model), script=script, size_mb=size_mb) == ""
