"""How fast a dataset becomes tokens, and how fast it is looked at closely: 10 000 rows made from the starter's 150.

    .venv/bin/python benchmarks/dataset_tokens.py --model ~/.local/share/tunesmith/models/smollm2-135m [--rows 10000]

With datasketch installed beside it, its MinHash is timed on the same texts.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.checks import near_duplicates  # noqa: E402
from core.datasets.closer import CloserLook  # noqa: E402
from core.datasets.tokens import Examination  # noqa: E402
from storage.rows import ROWS, RowsWriter  # noqa: E402
from storage.spec import DatasetRef, ModelRef  # noqa: E402

COMPARED = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset, texts = make(Path(folder) / "ds-bench", asked.rows)
        sizes = {"context_length": 8192, "parameters": 0, "hidden_size": 0, "layers": 0}
        model = ModelRef(id="model", name="Model", path=str(asked.model), revision="", **sizes)
        cache = Path(folder) / "tokens"
        report, seconds = timed(lambda: Examination(dataset, model, 256, cache).result())
        print(f"examined, process start included: {seconds:.1f} s, {report.tokens / seconds:,.0f} tokens a second")
        _, seconds = timed(lambda: Examination(dataset, model, 512, cache).result())
        print(f"at another context, from the cache: {seconds:.2f} s")
        _, seconds = timed(lambda: Examination(dataset, model, 512, cache).spans(0))
        print(f"what of one row is learned: {seconds:.2f} s")
        _, seconds = timed(lambda: CloserLook(Path(folder) / "ds-bench").result())
        print(f"closer look: {seconds:.1f} s, {sum(map(len, texts)) / seconds / 1e6:.1f} MB a second")
        minhash(texts[:COMPARED])


def make(folder: Path, count: int) -> tuple[DatasetRef, list[str]]:
    """Rows of words of the starter's rows, so that no two are alike."""
    source = [json.loads(line)["messages"] for line in (ROOT / "examples" / "support.jsonl").read_text().splitlines()]
    words = [word for messages in source for message in messages for word in message["content"].split()]
    choose, texts = random.Random(1), []
    folder.mkdir()
    with closing(RowsWriter(folder)) as writer:
        for line in range(1, count + 1):
            question, answer = (" ".join(choose.choices(words, k=size)) for size in (40, 120))
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            writer.add({"messages": turns}, line)
            texts.append(f"{question} {answer}")
    ref = DatasetRef(
        id=folder.name, name="Rows", path=str(folder / ROWS), sha256=writer.sha256,
        format="chat", rows=writer.rows, tokens_estimate=0,
    )  # fmt: skip
    return ref, texts


def minhash(texts: list[str]) -> None:
    def ours() -> None:
        for text in texts:
            near_duplicates.bands(near_duplicates.runs(near_duplicates.normal(text)))

    print(f"MinHash with numpy: {timed(ours)[1] / len(texts) * 1e6:.0f} µs a row")
    try:
        from datasketch import MinHash
    except ImportError:
        print("datasketch is not installed; no comparison")
        return

    def theirs() -> None:
        for text in texts:
            normal = near_duplicates.normal(text)
            found = MinHash(num_perm=near_duplicates.BANDS * near_duplicates.ROWS_A_BAND)
            found.update_batch([normal[place : place + 8].encode() for place in range(max(1, len(normal) - 7))])

    print(f"MinHash with datasketch: {timed(theirs)[1] / len(texts) * 1e6:.0f} µs a row")


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began


if __name__ == "__main__":
    main()
