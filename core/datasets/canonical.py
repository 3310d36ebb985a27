"""Rows as somebody typed or pasted them, in the one form that their kind has."""

import json

from core.checks.codes import CODES
from core.errors import BadInput
from core.formats import FORMATS
from core.formats.limits import LINE_BYTES
from core.formats.parsing import parse_object, strict_decoder
from core.formats.problems import RowProblem
from storage.rows import Content, Kind

#: Larger ones come as a file.
MOST_PASTED_BYTES = LINE_BYTES


def canonical(given: Content, kind: Kind) -> Content:
    """Any format of that kind is understood. Raises BadInput naming what is wrong; finer checks come later."""
    fitting = [known for known in FORMATS.values() if known.kind is kind]
    chosen = next((known for known in fitting if known.matches(given)), None)
    if chosen is None:
        keys = ", ".join(map(str, list(given)[:8])) or "no keys"
        wanted = " or ".join(" and ".join(known.example) for known in fitting)
        raise BadInput("The row has {keys}; a row of a dataset of this kind has {wanted}.", keys=keys, wanted=wanted)
    try:
        return chosen.convert(given)
    except RowProblem as problem:
        raise _refused("The row", problem) from problem


def pasted(text: str, kind: Kind) -> list[Content]:
    """One JSON object a line, one object over many lines, or a list of them. Raises BadInput with the line."""
    size = len(text.encode(errors="replace"))
    if size > MOST_PASTED_BYTES:
        raise BadInput(
            "These are {size:,} bytes; paste at most {most:,}, or upload a file.", size=size, most=MOST_PASTED_BYTES
        )
    found = [canonical(given, kind) for given in _objects(text)]
    if not found:
        raise BadInput("There is nothing to add. Paste one JSON object a line.")
    return found


def _objects(text: str) -> list[Content]:
    try:
        whole = strict_decoder().decode(text.strip())
    except (ValueError, RecursionError):  # more than one value, or none: line by line, where the reason has a place
        lines = enumerate(text.splitlines(), start=1)
        return [_object(line, f"Line {number}") for number, line in lines if line.strip()]
    except RowProblem as problem:
        raise _refused("The text", problem) from problem
    rows = whole if isinstance(whole, list) else [whole]
    return [_checked(row, f"Item {number}") for number, row in enumerate(rows, start=1)]


def _object(line: str, where: str) -> Content:
    try:
        return parse_object(line.encode(errors="surrogatepass"))
    except RowProblem as problem:
        raise _refused(where, problem) from problem


def _checked(row: object, where: str) -> Content:
    """Depth and half characters, as the import checks them."""
    return _object(json.dumps(row, ensure_ascii=False), where)


def _refused(where: str, problem: RowProblem) -> BadInput:
    title = CODES[problem.code].title if problem.code in CODES else problem.code
    return BadInput(
        "{where}: {lower}{title}. {detail} Mend it and try again.",
        where=where,
        lower=title[0].lower(),
        title=title[1:],
        detail=problem.detail,
    )
