"""`python -m core.grading.child`: scores made-up answers; a python grader one process further away.

Its own memory is limited, and whoever started it ends it when it takes too long: a pattern inside a JSON schema can
compute for ever.
"""

import resource
import sys
import zlib
from pathlib import Path
from typing import Any

from core.errors import StudioError
from core.grading.candidates import candidates, item_of, prompt_of
from core.grading.reading import read_grader
from core.grading.report import Trial, Tried
from graders import score_model
from graders.allowance import asks_model, is_python_allowed
from graders.score import GraderError
from graders.scorer import Scorer
from storage.child_process import Json, Teller, answer
from storage.rows import Row, Rows

MEMORY_BYTES = 2 * 1024**3
ROWS = 20
#: Half of what it has in training: one that needs all of that for a made-up answer is too slow.
ANSWER_S = 5.0
#: Each answer is a call that takes seconds and may cost money.
ROWS_OF_A_JUDGE = 5
SHOWN_CHARACTERS = 2000


def look(request: Json, teller: Teller) -> Json:
    """`folder` of the version, `grader`, `answers`, `most_words`, and whether another model may be asked (`ask`)."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    grader = read_grader(request["grader"])
    judged = asks_model(grader) and request["ask"]
    rows = chosen_rows(Path(request["folder"]), ROWS_OF_A_JUDGE if judged else ROWS)
    tried: list[Tried] = []
    ask = score_model.ask if request["ask"] else assumed
    with Scorer(grader, allow_python=is_python_allowed(), ask=ask, answer_s=ANSWER_S) as scorer:
        for at, row in enumerate(rows):
            teller.progress("scoring", at, len(rows))
            for candidate in candidates(rows, at, grader, request["answers"], request["most_words"]):
                score = scorer.score(item_of(row), candidate.text)
                tried.append(
                    Tried(
                        line=row.line or row.number + 1,
                        prompt=prompt_of(row)[:SHOWN_CHARACTERS],
                        kind=candidate.kind,
                        answer=candidate.text[:SHOWN_CHARACTERS],
                        value=score.value,
                        parts=dict(score.parts),
                        error=score.error,
                    )
                )
                if score.is_endless:
                    return Trial(tried=tuple(tried), rows=at + 1, endless=score.error).model_dump()
    return Trial(
        tried=tuple(tried), rows=len(rows), is_judge_assumed=asks_model(grader) and not request["ask"]
    ).model_dump()


def chosen_rows(folder: Path, count: int) -> list[Row]:
    """Spread over the whole version; rows that could not be read are left out."""
    rows = Rows(folder)
    step = max(1, len(rows) // count)
    return [row for row in rows.at(range(0, len(rows), step)[:count]) if not row.is_broken]


def assumed(_endpoint: str, request: dict[str, Any]) -> str:
    """In the place of another model's answer: a number that depends on what it was asked."""
    return f"{zlib.crc32(str(request['messages']).encode()) % 1000 / 999:.3f}"


if __name__ == "__main__":
    sys.exit(answer(look, (StudioError, GraderError)))
