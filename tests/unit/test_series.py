"""A million points in bounded memory, and no spike among them is lost."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.series import Moment, Series

#: Few points with few limits show the same as a million with 2 000.
SMALL = 16


def series_of(values: list[float], max_points: int) -> Series:
    series = Series(max_points)
    for step, value in enumerate(values):
        series.add([Moment(step, step / 10)], [value])
    return series


def test_few_points_are_kept_as_they_are() -> None:
    assert len(series_of([1.0] * 2000, 2000).points()) == 2000


def test_many_points_are_thinned_and_no_spike_is_lost() -> None:
    series = Series()
    for step in range(1_000_000):
        value = 99.0 if step == 314_159 else -99.0 if step == 271_828 else 1.0
        series.add([Moment(step, step / 1e6)], [value])
    points = series.points()
    assert len(points) <= 2000
    assert {314_159, 271_828, 999_999} <= {point.step for point in points}
    assert [point.step for point in points] == sorted(point.step for point in points)


def test_a_long_curve_keeps_its_shape_all_along() -> None:
    """Once, every sweep halved what was there: of a million points a few hundred were left, most of them new ones."""
    points = series_of([float(step % 17) for step in range(200_000)], 2000).points()
    gaps = [after.step - before.step for before, after in pairwise(points)]
    assert 1000 <= len(points) <= 2000
    assert max(gaps) < 200_000 / 500


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=SMALL, max_size=400))
def test_what_stands_out_among_its_neighbours_survives(values: list[float]) -> None:
    """Higher, or lower, than all that lies within a bucket's width on both sides."""
    series = series_of(values, SMALL)
    kept = {point.step: point.value for point in series.points()}
    assert len(kept) <= SMALL
    width = series.steps_per_bucket
    for step, value in enumerate(values):
        around = [*values[max(0, step - width + 1) : step], *values[step + 1 : step + width]]
        if value > max(around, default=-math.inf) or value < min(around, default=math.inf):
            assert kept.get(step) == value
    assert (max(kept.values()), min(kept.values())) == (max(values), min(values))
    assert kept[len(values) - 1] == values[-1]


def test_a_resumed_run_replaces_what_it_repeats() -> None:
    series = series_of([1.0] * 10, 2000)
    series.cut_from(6)
    series.add([Moment(6, 0)], [2.0])
    assert [(point.step, point.value) for point in series.points()][-2:] == [(5, 1.0), (6, 2.0)]
