"""Measurements as a table: every event a line, and what cannot be read is left out."""

from pathlib import Path

from core.metric_table import csv_pieces
from storage.event_log import EventWriter
from storage.events import Metric, Phase
from storage.run_folder import RunFolder
from storage.spec import RunSpec


def test_every_measurement_of_every_attempt_is_a_line(tmp_path: Path, run_spec: RunSpec) -> None:
    (tmp_path / "runs").mkdir()
    folder = RunFolder.create(tmp_path / "runs", run_spec)
    for attempt, steps in ((1, range(1, 1001)), (2, range(1000, 1003))):
        folder.attempt(attempt).claim("t" * 32)
        writer = EventWriter(folder.attempt(attempt).events)
        writer.append(Phase(name="training", total=1002))
        for step in steps:
            writer.append(Metric(step=step, epoch=step / 1000, values={"loss": 1 / step, "eval_loss": None}))
        writer.close()
    with folder.attempt(2).events.open("ab") as file:
        file.write(b'{"type": "metric", "step": 1003, "va')
    folder.attempt(3).claim("u" * 32)  # it has said nothing yet
    head, *lines = "".join(csv_pieces(folder, ("eval_loss", "loss"))).splitlines()
    assert head == "attempt,step,epoch,at,eval_loss,loss"
    assert len(lines) == 1003
    assert lines[0].startswith("1,1,0.001,")
    assert lines[0].endswith(",,1.0")
    assert [line.split(",")[:2] for line in lines[-4:]] == [["1", "1000"], ["2", "1000"], ["2", "1001"], ["2", "1002"]]
