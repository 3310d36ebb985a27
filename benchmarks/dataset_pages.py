"""How long a page of a very long dataset takes, at its start and at its end, and one row less as a new version.

.venv/bin/python benchmarks/dataset_pages.py [--rows 10000000] [--rounds 200]
"""

import argparse
import random
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from core.datasets.splits import carve
from storage.rows import INDEX, ROWS, Rows, RowsWriter
from storage.spec import HoldOut

PAGE = 50
PIECE = 10_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--rounds", type=int, default=200)
    arguments.add_argument("--split", action="store_true", help="also freeze a split of it")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        write(folder, asked.rows)
        sizes = " and ".join(f"{(folder / file).stat().st_size / 1e6:,.0f} MB" for file in (ROWS, INDEX))
        print(f"{asked.rows:,} rows ({sizes}) written in {time.perf_counter() - began:.0f} s")
        measure(folder, asked.rows, asked.rounds)
        if asked.split:
            began = time.perf_counter()
            split = carve(Rows(folder), 42, HoldOut())
            print(f"{'split, rows held out':26} {split.rows_held_out:,} in {time.perf_counter() - began:.0f} s")


def write(folder: Path, count: int) -> None:
    """Chat rows of some 130 bytes."""
    with closing(RowsWriter(folder)) as writer:
        for start in range(0, count, PIECE):
            numbers = range(start, min(count, start + PIECE))
            writer.add_lines([row(number) for number in numbers], start + 1)


def row(number: int) -> bytes:
    return (
        b'{"messages":[{"content":"Question number %d of many?","role":"user"},'
        b'{"content":"Answer number %d.","role":"assistant"}]}' % (number, number)
    )


def measure(folder: Path, count: int, rounds: int) -> None:
    places = {"row 10": 10, "the middle": count // 2, f"row {count - 10:,}": count - 10 - PAGE}
    times: dict[str, list[float]] = {name: [] for name in places}
    for _ in range(rounds):  # in turn, so that a busy moment hits all of them
        for name, start in places.items():
            times[name].append(one_page(folder, start))
    anywhere = [one_page(folder, random.randrange(count - PAGE)) for _ in range(rounds)]
    for name, found in {**times, "anywhere": anywhere}.items():
        p95 = statistics.quantiles(found, n=20)[-1]
        print(f"page of {PAGE} at {name:15} p50 {statistics.median(found):6.2f} ms  p95 {p95:6.2f} ms")
    first, last = (statistics.median(times[name]) for name in (next(iter(places)), list(places)[-1]))
    print(f"{'last page / first page':26} {last / first:.2f}")


def one_page(folder: Path, start: int) -> float:
    began = time.perf_counter()
    found = Rows(folder).page(start, PAGE)
    assert found[0].number == start
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
