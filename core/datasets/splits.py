"""Which rows are held out for evaluation: chosen once, by row, and frozen in a file that page and trainer both read.

Rows are put into 65 536 buckets by a seeded hash of what they have in common (their first question, or themselves),
and whole buckets are held out. So copies and the parts of one conversation stay together, the same seed gives the
same rows, and ten million rows need no more memory than ten thousand.
"""

import hashlib
import random
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from core.datasets import child
from storage.files import write_atomic
from storage.rows import ROWS, Content, Rows, row_id
from storage.spec import HoldOut, RunSpec

FOLDER = "splits"
#: Never more than this share of the rows, whatever is asked.
LARGEST_SHARE = 0.5
#: A column with more values is no label; nor is one whose values hardly repeat.
MOST_LABELS = 50
LEAST_ROWS_A_LABEL = 5
#: So many rows decide whether there is a label.
LOOKED_AT = 10_000
LABEL_CHARACTERS = 60
_OTHERS = "\0others"
_NOWHERE = -1
#: A larger version is looked through by a process of its own: the web process has pages to answer.
IN_PROCESS_BYTES = 16_000_000

Labelling = Callable[[Content], str]


@dataclass(frozen=True, slots=True)
class Split:
    """`evaluation` are row ids (`storage.rows.row_id`). `label` names the column that it is stratified by."""

    seed: int
    share: float
    by: str
    label: str
    evaluation: tuple[str, ...]
    rows_held_out: int


def frozen(version: Path, seed: int, how: HoldOut) -> Path:
    """The split's file in the version's folder; made on first use, the same for ever after."""
    path = version / FOLDER / f"{seed}-{how.share:g}-{how.by}.json"
    if not path.exists():
        if (version / ROWS).stat().st_size > IN_PROCESS_BYTES:
            request = {"version": str(version), "path": str(path), "seed": seed, "how": how.model_dump()}
            child.run("core.datasets.splits", request)
        else:
            _make(path, Rows(version), seed, how)
    return path


def _make(path: Path, rows: Rows, seed: int, how: HoldOut) -> None:
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, encoded(carve(rows, seed, how)))


def freeze(run: RunSpec) -> None:
    """The run's own copy, which its trainer reads: it outlives the dataset."""
    if run.split and isinstance(run.evaluation, HoldOut):
        version = Path(run.dataset.path).parent
        write_atomic(Path(run.split), frozen(version, run.hyperparameters.seed, run.evaluation).read_bytes())


def encoded(split: Split) -> bytes:
    return orjson.dumps(split, option=orjson.OPT_INDENT_2)


def carve(rows: Rows, seed: int, how: HoldOut) -> Split:
    """Nothing is held out where all rows belong together."""
    label, labelling = find_label(rows)
    buckets: dict[int, Counter[str]] = {}
    placed = array("i")  # by row number: rows are parsed once
    for bucket, content in _placed(rows, seed, how):
        placed.append(bucket)
        if content is not None:
            buckets.setdefault(bucket, Counter())[labelling(content)] += 1
    chosen = _choose(buckets, how.share, seed)
    ids: dict[str, None] = {}
    held_out = 0
    for bucket, (_, text) in zip(placed, rows.encoded(), strict=True):
        if bucket in chosen:
            ids[row_id(text)] = None
            held_out += 1
    return Split(seed, how.share, how.by, label, tuple(ids), held_out)


def find_label(rows: Rows) -> tuple[str, Labelling]:
    """The column that sorts the rows into a few kinds, by its name; ("", …) where there is none."""
    counts: dict[str, Counter[str]] = {}
    seen = 0
    for seen, (_, text) in enumerate(rows.encoded(), start=1):  # how many there were
        content = orjson.loads(text)
        for name, value in _candidates(content):
            counts.setdefault(name, Counter())[value] += 1
        for name in [name for name, found in counts.items() if len(found) > MOST_LABELS]:
            counts[name] = Counter({_OTHERS: -1})
        if seen == LOOKED_AT:
            break
    for name, found in counts.items():
        known = frozenset(found)
        is_label = len(known) > 1 and LEAST_ROWS_A_LABEL * len(known) <= seen and found.total() == seen
        if is_label and _OTHERS not in known:
            return name, lambda content, name=name, known=known: _value(content, name, known)
    return "", lambda _content: ""


def _value(content: Content, name: str, known: frozenset[str]) -> str:
    value = dict(_candidates(content)).get(name, _OTHERS)
    return value if value in known else _OTHERS


def _candidates(content: Content) -> Iterator[tuple[str, str]]:
    """What may be a row's label: KTO's, a column to grade against, or a short answer that repeats."""
    if "label" in content:
        yield "label", str(content["label"])
    for name, value in content.get("item", {}).items():
        if isinstance(value, str | int | bool) and len(str(value)) <= LABEL_CHARACTERS:
            yield f"item.{name}", str(value)
    if "item" not in content and "messages" in content:
        answer = content["messages"][-1].get("content")
        if isinstance(answer, str) and len(answer) <= LABEL_CHARACTERS:
            yield "answer", answer.strip()


def _placed(rows: Rows, seed: int, how: HoldOut) -> Iterator[tuple[int, Content | None]]:
    """(bucket, row); a broken row is in no bucket, as it never trains."""
    salt = seed.to_bytes(8, "little")
    for _, text in rows.encoded():
        content = orjson.loads(text)
        if "broken" in content:
            yield _NOWHERE, None
            continue
        common = _opening(content) if how.by == "conversation" else text
        digest = hashlib.blake2b(common or text, digest_size=2, key=salt).digest()
        yield int.from_bytes(digest, "little"), content


def _opening(content: Content) -> bytes:
    """The first question: what the examples that were cut from one conversation share."""
    messages = content.get("messages") or content.get("prompt") or ()
    asked = next((message for message in messages if message["role"] == "user"), None)
    return str(asked.get("content") or "").strip().encode() if asked else b""


def _choose(buckets: dict[int, Counter[str]], share: float, seed: int) -> set[int]:
    """Buckets of each label, until the share is reached; a bucket belongs to its commonest label."""
    sizes = {bucket: labels.total() for bucket, labels in buckets.items()}
    strata: dict[str, list[int]] = {}
    for bucket in sorted(buckets):
        strata.setdefault(max(sorted(buckets[bucket]), key=buckets[bucket].__getitem__), []).append(bucket)
    chosen: set[int] = set()
    room = int(sum(sizes.values()) * LARGEST_SHARE)
    owed = 0.0
    for label in sorted(strata):
        # What one label could not give, by rounding, the next one does.
        owed += sum(sizes[bucket] for bucket in strata[label]) * min(share, LARGEST_SHARE)
        taken = _fill(strata[label], sizes, min(round(owed), room), seed)
        count = sum(sizes[bucket] for bucket in taken)
        owed, room = owed - count, room - count
        chosen |= taken
    if chosen or not sizes:
        return chosen
    smallest = min(sizes, key=lambda bucket: (sizes[bucket], bucket))
    return {smallest} if sizes[smallest] <= room else set()


def _fill(buckets: list[int], sizes: dict[int, int], wanted: int, seed: int) -> set[int]:
    """In a seeded order; a bucket too large for what is left is passed over."""
    taken: set[int] = set()
    for bucket in random.Random(seed).sample(buckets, len(buckets)):
        if sizes[bucket] <= wanted:
            taken.add(bucket)
            wanted -= sizes[bucket]
    return taken


def _work(request: child.Told, _say: Callable[[child.Told], None]) -> child.Told:
    how = HoldOut.model_validate(request["how"])
    _make(Path(request["path"]), Rows(Path(request["version"])), request["seed"], how)
    return {}


if __name__ == "__main__":
    child.serve(_work)
