"""`python -m core.checks.closer DATASET_FOLDER [--evaluation FOLDER]`: the checks that take longer than an import.

Near-duplicates, leaks into the evaluation, personal data and secrets. Writes `core.checks.deep_report`'s files into
the version's folder; its rows are only read.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.checks import near_duplicates
from core.checks.deep_report import DEEP, DEEP_FINDINGS, SUSPECT, SUSPICION, DeepReport
from core.checks.findings import encode_finding, read_findings
from core.checks.leaks import Known, known_to
from core.checks.near_duplicates import ALIKE, BANDS, normal
from core.checks.personal import suspicions
from core.checks.report import ROWS_NAMED, CodeCount
from core.checks.row_text import all_texts, answered, asked
from core.checks.suspicion import scores
from core.formats.problems import Finding
from storage.child_process import Json, Teller, answer
from storage.files import write_atomic
from storage.rows import ROWS, Row, Rows

#: At 160 bytes a row; of more, a seeded sample is looked at.
MOST_ROWS = 500_000
MOST_EVALUATION_ROWS = 100_000
SEED = 20261122


@dataclass(slots=True)
class Look:
    """What is gathered while the rows are read. `numbers`: which row each place of `banded` is."""

    banded: np.ndarray
    known: Known
    numbers: list[int] = field(default_factory=list)
    lengths: dict[int, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def look_closer(folder: Path, evaluation: Path | None, teller: Teller) -> DeepReport:
    for wanted in filter(None, (folder, evaluation)):
        if not (wanted / ROWS).exists():
            raise FileNotFoundError(f"The dataset {wanted.name} is not there any more. Choose another one.")
    rows, others = Rows(folder), Rows(evaluation) if evaluation else None
    chosen = sample(len(rows), MOST_ROWS)
    compared = sample(len(others), MOST_EVALUATION_ROWS) if others else range(0)
    look = Look(np.empty((len(compared) + len(chosen), BANDS), dtype=np.uint64), Known())
    if others:
        read_evaluation(others, compared, look, teller)
    for done, row in enumerate(read(rows, chosen), start=1):
        if not row.is_broken:
            examine(row, look, len(compared) + len(look.numbers))
        teller.progress("reading", done, len(chosen))
    compare(rows, others, compared, look, teller)
    name = evaluation.name if evaluation else ""
    report = DeepReport(rows=len(rows), looked_at=len(chosen), evaluation=name, codes=counted(look.findings))
    return write(folder, look, report)


def sample(count: int, most: int) -> range | list[int]:
    return range(count) if count <= most else sorted(random.Random(SEED).sample(range(count), most))


def read(rows: Rows, numbers: range | list[int]) -> Iterator[Row]:
    return iter(rows) if len(numbers) == len(rows) else rows.at(numbers)


def read_evaluation(others: Rows, numbers: range | list[int], look: Look, teller: Teller) -> None:
    whole = ((asked(row.content), answered(row.content), row.line) for row in read(others, numbers))
    look.known = known_to(whole)
    for place, row in enumerate(read(others, numbers)):
        look.banded[place] = near_duplicates.bands(near_duplicates.runs(compared_text(row)))
        teller.progress("reading the evaluation", place + 1, len(numbers))


def compared_text(row: Row) -> str:
    return f"{normal(asked(row.content))} {normal(answered(row.content))}".strip()


def examine(row: Row, look: Look, place: int) -> None:
    question, reply = normal(asked(row.content)), normal(answered(row.content))
    look.lengths[row.number] = len(question) + len(reply)
    look.numbers.append(row.number)
    look.banded[place] = near_duplicates.bands(near_duplicates.runs(f"{question} {reply}".strip()))
    for code, detail in suspicions(all_texts(row.content)):
        look.findings.append(Finding(row.number, row.line, code, detail))
    if leak := look.known.leak(question, reply):
        look.findings.append(Finding(row.number, row.line, "leak_into_eval", leak))


def compare(rows: Rows, others: Rows | None, compared: range | list[int], look: Look, teller: Teller) -> None:
    """What collides, read again and measured: only that is told."""
    count = len(compared)
    pairs = sorted(near_duplicates.candidates(look.banded[: count + len(look.numbers)]), key=lambda pair: pair[1])
    told: dict[str, set[int]] = {
        "leak_into_eval": {found.row for found in look.findings if found.code == "leak_into_eval"},
        "near_duplicate": set(),
    }
    for done, (first, later) in enumerate(pairs, start=1):
        teller.progress("comparing", done, len(pairs))
        if later < count:
            continue  # both in the evaluation: nobody's harm
        code = "leak_into_eval" if first < count else "near_duplicate"
        number = look.numbers[later - count]
        if number in told[code] or not look.lengths[number]:
            continue
        source, place = (others, compared[first]) if first < count else (rows, look.numbers[first - count])
        assert source
        one, other = next(source.at([place])), next(rows.at([number]))
        if code == "near_duplicate" and one.content == other.content:
            continue  # a copy, which the import has told
        alike = near_duplicates.likeness(*(near_duplicates.runs(compared_text(row)) for row in (one, other)))
        if alike >= ALIKE:
            told[code].add(number)
            of_which = " of the evaluation" if first < count else ""
            detail = f"{int(alike * 100)} % the same as line {one.line}{of_which}"
            look.findings.append(Finding(number, other.line, code, detail))


def counted(findings: list[Finding]) -> dict[str, CodeCount]:
    rows: dict[str, list[int]] = {}
    for found in sorted(findings, key=lambda found: found.row):
        rows.setdefault(found.code, []).append(found.row)
    return {code: CodeCount(count=len(numbers), rows=numbers[:ROWS_NAMED]) for code, numbers in rows.items()}


def write(folder: Path, look: Look, report: DeepReport) -> DeepReport:
    """The report last: what it speaks of is there."""
    found = sorted(look.findings, key=lambda found: (found.row, found.code))
    write_atomic(folder / DEEP_FINDINGS, b"".join(map(encode_finding, found)))
    codes = [*((one.row, one.code) for one in found), *((one.row, one.code) for one in read_findings(folder))]
    write_atomic(folder / SUSPICION, b"".join(SUSPECT.pack(*suspect) for suspect in scores(codes, look.lengths)))
    write_atomic(folder / DEEP, report.model_dump_json().encode())
    return report


def work(request: Json, teller: Teller) -> Json:
    evaluation = request.get("evaluation")
    report = look_closer(Path(request["folder"]), Path(evaluation) if evaluation else None, teller)
    return report.model_dump(mode="json")


def main() -> int:
    if len(sys.argv) == 1:
        return answer(work, refusals=(FileNotFoundError,))
    parser = argparse.ArgumentParser(prog="python -m core.checks.closer", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--evaluation", type=Path)
    given = parser.parse_args()
    report = look_closer(given.folder, given.evaluation, Teller())
    sys.stdout.write(report.model_dump_json(indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
