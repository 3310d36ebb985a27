"""A million points in bounded memory, and the one spike among them is still there."""

from core.series import Point, Series


def test_few_points_are_kept_as_they_are() -> None:
    series = Series()
    for step in range(2000):
        series.add(Point(step, step / 10, 1.0))
    assert len(series.points()) == 2000


def test_many_points_are_thinned_and_no_spike_is_lost() -> None:
    series = Series()
    for step in range(1_000_000):
        value = 99.0 if step == 314_159 else -99.0 if step == 271_828 else 1.0
        series.add(Point(step, step / 1e6, value))
    points = series.points()
    assert len(points) <= 2000
    assert {314_159, 271_828} <= {point.step for point in points}
    assert [point.step for point in points] == sorted(point.step for point in points)


def test_a_resumed_run_replaces_what_it_repeats() -> None:
    series = Series()
    for step in range(10):
        series.add(Point(step, 0, 1.0))
    series.cut_from(6)
    series.add(Point(6, 0, 2.0))
    assert [(point.step, point.value) for point in series.points()][-2:] == [(5, 1.0), (6, 2.0)]
