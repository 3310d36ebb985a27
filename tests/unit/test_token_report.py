"""What an examination says about a dataset, and how it keeps a hopeless job from starting."""

from pathlib import Path

import orjson
import pytest

from core.datasets.tokens import Examination, TokenReport
from core.errors import BadInput
from core.studio import Studio
from storage.spec import JobSpec
from storage.token_folder import CACHE, key_of, report_of

NUMBERS = {"rows": 100, "context": 64, "tokens": 9000, "learned": 100, "p50": 80, "p95": 99, "p99": 120, "max": 130}
MORE = {"truncated_tokens": 10, "histogram": {"edges": [0, 200], "counts": [100]}}


def report(**codes: int) -> TokenReport:
    found = {code: {"count": count, "rows": [0]} for code, count in codes.items()}
    return TokenReport.model_validate({**NUMBERS, **MORE, "codes": found})


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ({}, ""),
        ({"over_context": 90}, ""),
        ({"trains_nothing": 5}, ""),
        ({"trains_nothing": 6}, "6 of 100 rows would train nothing within 64 tokens; at most 5% may."),
        ({"template_refuses": 1}, "1 of 100 rows cannot be trained on: The model's chat template refuses the row."),
    ],
)
def test_a_report_objects_only_to_what_the_trainer_would_refuse(codes: dict[str, int], words: str) -> None:
    found = report(**codes).objection()
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_a_job_that_would_train_empty_rows_is_refused_with_figures(studio: Studio, asked: JobSpec) -> None:
    run = studio.runs.preview(asked)
    cache = studio.home.path / CACHE
    key = key_of(run.dataset.sha256, run.dataset.kind, Path(run.model.path))
    path = report_of(cache, key, run.dataset.id, run.hyperparameters.max_context_length)
    path.parent.mkdir(parents=True)
    path.write_bytes(orjson.dumps(report(trains_nothing=40).model_dump()))
    with pytest.raises(BadInput, match="40 of 100 rows would train nothing"):
        studio.runs.submit(asked, actor=studio.people.actor())
    path.unlink()
    assert studio.runs.submit(asked, actor=studio.people.actor()).id


def test_rows_are_listed_from_the_longest_and_from_the_shortest(studio: Studio, asked: JobSpec) -> None:
    run = studio.runs.preview(asked)
    examination = Examination(run.dataset, run.model, 64, studio.home.path / CACHE)
    assert examination.rows_by_length(0, 5) == []
    folder = studio.home.path / CACHE / key_of(run.dataset.sha256, run.dataset.kind, Path(run.model.path))
    folder.mkdir(parents=True)
    (folder / "by_length.bin").write_bytes(b"".join(row.to_bytes(4, "little") for row in (3, 1, 2, 0)))
    assert examination.rows_by_length(0, 3) == [3, 1, 2]
    assert examination.rows_by_length(2, 3) == [2, 0]
    assert examination.rows_by_length(0, 3, longest=False) == [0, 2, 1]
    assert examination.rows_by_length(3, 3, longest=False) == [3]
    assert examination.rows_by_length(4, 3, longest=False) == []
