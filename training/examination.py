"""How long a dataset's rows are in a model's tokens, what a context cuts off, and which rows would train nothing."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from storage.child_process import Teller
from storage.files import write_atomic
from storage.spec import DatasetRef, ModelRef
from storage.token_folder import BY_LENGTH, LENGTHS, report_of
from training.token_cache import Tokens, lines_of, tokens_of

ROWS_SHOWN = 20
BINS = 40
#: Rows looked at together; their tokens have to fit into memory.
CHUNK_ROWS = 4096

Found = tuple[int, str, str]


def examine(dataset: DatasetRef, model: ModelRef, cache: Path, context: int, teller: Teller) -> dict[str, Any]:
    """What `core.datasets.tokens` reads; kept beside the tokens, as `storage.token_folder` says."""
    tokens, was_there = tokens_of(
        dataset,
        model,
        cache,
        lambda: tokenizer_of(model),
        lambda done, total: teller.progress("tokenising", done, total),
    )
    lengths = longest(tokens)
    if not (tokens.folder / BY_LENGTH).exists():
        order = np.argsort(-lengths, kind="stable").astype("<u4")
        write_atomic(tokens.folder / LENGTHS, npy(lengths.astype("<i4")))
        write_atomic(tokens.folder / BY_LENGTH, order.tobytes())
    refused = {verdict.row for verdict in tokens.refused()}
    learned = learned_within(tokens, context)
    counted = np.array([row not in refused for row in range(len(tokens))], dtype=bool)
    empty = np.flatnonzero(counted & (learned == 0)) if dataset.kind != "reinforcement" else np.empty(0, dtype=int)
    over = np.flatnonzero(lengths > context)
    found = sorted(
        [
            *((verdict.row, verdict.code, verdict.detail) for verdict in (*tokens.refused(), *tokens.notes())),
            *((int(row), "trains_nothing", "") for row in empty),
            *((int(row), "over_context", f"{lengths[row]:,} tokens, {context:,} are read") for row in over),
        ]
    )
    report = report_of(cache, tokens.folder.name, dataset.id, context)
    write_atomic(report.with_suffix(".jsonl"), b"".join(finding_lines(found, lines_of(dataset))))
    result = {
        **statistics(lengths[counted]),
        "rows": len(tokens),
        "context": context,
        "learned": int(learned.sum()),
        "truncated_tokens": int((lengths[over] - context).sum()),
        "codes": by_code(found),
        "was_cached": was_there,
    }
    write_atomic(report, orjson.dumps(result))
    return result


def tokenizer_of(model: ModelRef) -> Any:
    # Imported when it is needed: what is cached is examined without transformers.
    from training.tokenizer import load_tokenizer

    return load_tokenizer(model)


def longest(tokens: Tokens) -> np.ndarray:
    """Of each row the longest sequence, in tokens."""
    parts = [tokens.lengths(part) for part in range(tokens.about.sequences_per_row)]
    return np.maximum.reduce(parts)


def learned_within(tokens: Tokens, context: int) -> np.ndarray:
    """How many learned tokens of each row lie within the context; of a pair the fewer, as both are needed."""
    per_row = tokens.about.sequences_per_row
    counts = np.zeros(len(tokens), dtype=np.int64)
    for start in range(0, len(tokens), CHUNK_ROWS):
        end = min(start + CHUNK_ROWS, len(tokens))
        offsets = np.asarray(tokens.offsets[start * per_row : end * per_row + 1])
        until = np.concatenate(([0], np.cumsum(tokens.learned[offsets[0] : offsets[-1]], dtype=np.int64)))
        # The first token of a sequence is never predicted.
        first = np.minimum(offsets[:-1] + 1, offsets[1:]) - offsets[0]
        last = np.maximum(np.minimum(offsets[:-1] + context, offsets[1:]) - offsets[0], first)
        counts[start:end] = (until[last] - until[first]).reshape(-1, per_row).min(axis=1)
    return counts


def statistics(lengths: np.ndarray) -> dict[str, Any]:
    if not len(lengths):
        return {"tokens": 0, "p50": 0, "p95": 0, "p99": 0, "max": 0, "histogram": {"edges": [0, 1], "counts": [0]}}
    p50, p95, p99 = (int(value) for value in np.percentile(lengths, (50, 95, 99), method="higher"))
    top = int(lengths.max())
    counts, edges = np.histogram(lengths, bins=min(BINS, top + 1), range=(0, top + 1))
    histogram = {"edges": [round(float(edge), 1) for edge in edges], "counts": counts.tolist()}
    return {"tokens": int(lengths.sum()), "p50": p50, "p95": p95, "p99": p99, "max": top, "histogram": histogram}


def by_code(found: list[Found]) -> dict[str, Any]:
    codes: dict[str, Any] = {}
    for row, code, _ in found:
        entry = codes.setdefault(code, {"count": 0, "rows": []})
        entry["count"] += 1
        if len(entry["rows"]) < ROWS_SHOWN:
            entry["rows"].append(row)
    return codes


def finding_lines(found: list[Found], lines: np.ndarray) -> Iterator[bytes]:
    """In the shape of a version's findings.jsonl."""
    for row, code, detail in found:
        yield orjson.dumps({"row": row, "line": int(lines[row]), "code": code, "detail": detail}) + b"\n"


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()
