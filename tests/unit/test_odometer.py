"""What curves are drawn over beside steps: tokens and wall time, also of a run that was interrupted."""

from datetime import UTC, datetime, timedelta

import pytest

from core.history import Recorder
from core.series import Axis, Point
from core.smoothing import Smoother
from storage.events import Metric, Phase

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def metric(step: int, at_s: float, tokens: float = 100.0) -> Metric:
    """A step of two seconds."""
    values = {"loss": 1.0, "tokens_per_second": tokens / 2, "step_seconds": 2.0}
    return Metric(seq=step, step=step, epoch=step / 10, values=values, at=NOON + timedelta(seconds=at_s))


def losses(recorder: Recorder) -> list[Point]:
    return list(recorder.snapshot().series["loss"])


def test_tokens_add_up_and_time_begins_with_the_run() -> None:
    recorder = Recorder()
    recorder.begin(1)
    recorder.apply(Phase(seq=0, name="loading", at=NOON))
    for step in (1, 2, 3):
        recorder.apply(metric(step, at_s=10 + 2 * step))
    assert [point.on(Axis.TOKENS) for point in losses(recorder)] == [100, 200, 300]
    assert [point.on(Axis.TIME) for point in losses(recorder)] == [12, 14, 16]
    assert [point.on(Axis.STEP) for point in losses(recorder)] == [1, 2, 3]
    assert [point.on(Axis.EPOCH) for point in losses(recorder)] == [0.1, 0.2, 0.3]


def test_a_pause_takes_no_time_and_repeated_steps_count_once() -> None:
    recorder = Recorder()
    recorder.begin(1)
    for step in (1, 2, 3):
        recorder.apply(metric(step, at_s=2 * step))
    recorder.begin(2)
    hours_later = 7200.0
    recorder.apply(Phase(seq=0, name="loading", at=NOON + timedelta(seconds=hours_later)))
    recorder.apply(metric(3, at_s=hours_later + 10))
    assert [(point.step, point.tokens, point.seconds) for point in losses(recorder)] == [
        (1, 100, 0),
        (2, 200, 2),
        (3, 300, 12),
    ]


def test_a_clock_that_is_set_back_turns_no_curve_around() -> None:
    recorder = Recorder()
    recorder.begin(1)
    for step, at_s in ((1, 0), (2, 10), (3, -3600)):
        recorder.apply(metric(step, at_s))
    assert [point.seconds for point in losses(recorder)] == [0, 10, 10]


def test_whoever_follows_the_run_reads_on_where_the_history_ends() -> None:
    recorder = Recorder()
    recorder.begin(1)
    recorder.apply(metric(1, at_s=0))
    odometer = recorder.snapshot().odometer
    recorder.apply(metric(2, at_s=2))  # the snapshot is a copy
    odometer.read(metric(2, at_s=2))
    assert odometer.points(metric(2, at_s=2))["loss"] == losses(recorder)[-1]


def test_smoothing_starts_at_the_curve_and_calms_it() -> None:
    noisy = [1.0, 3.0] * 50
    smooth = Smoother(0.9).all(noisy)
    assert smooth[0] == 1.0
    assert all(abs(value - 2.0) < 0.2 for value in smooth[20:])
    assert Smoother(0.0).all(noisy) == noisy


def test_smoothing_goes_on_where_it_was() -> None:
    values = [5.0, 1.0, 4.0, 2.0]
    smoother = Smoother(0.5)
    assert [*smoother.all(values[:2]), *smoother.all(values[2:])] == pytest.approx(Smoother(0.5).all(values))
