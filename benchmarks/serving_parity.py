"""How far the engines' greedy answers go together, beside transformers in 32 bits; and what 8 bits cost.

.venv/bin/python benchmarks/serving_parity.py MODEL_FOLDER [--questions 24] [--tokens 24]
"""

import argparse
import json
import statistics
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]
from asked import AskedWorker

from storage.spec import ModelRef

ROWS = Path(__file__).parents[1] / "examples" / "support.jsonl"
WAYS: dict[str, dict[str, Any]] = {
    "transformers, 32 bits": {"engine": "transformers", "weights_dtype": "float32"},
    "transformers, bfloat16": {"engine": "transformers", "weights_dtype": "bfloat16"},
    "llama.cpp, 16 bits": {"engine": "llama.cpp", "bits": 16},
    "llama.cpp, 8 bits": {"engine": "llama.cpp", "bits": 8},
    "OpenVINO, 16 bits": {"engine": "openvino", "bits": 16},
    "OpenVINO, 8 bits": {"engine": "openvino", "bits": 8},
}

Tokens = list[tuple[str, float]]


def answers(model: ModelRef, questions: list[str], tokens: int, spec: dict[str, Any]) -> tuple[list[Tokens], int]:
    """Each alone; and how many are the same, all at once."""
    with closing(AskedWorker(model, {}, **spec)) as worker:
        worker.ready()
        told = [
            worker.ask(question=question, max_tokens=tokens, logprobs=True).choices[0].logprobs.content
            for question in questions
        ]
        alone = [worker.say(question=question) for question in questions]
        together = worker.say_at_once([("base", question) for question in questions])
    return [[(token.token, token.logprob) for token in answer] for answer in told], sum(
        map(str.__eq__, alone, together)
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("--questions", type=int, default=24)
    arguments.add_argument("--tokens", type=int, default=24)
    asked = arguments.parse_args()
    rows = [json.loads(line) for line in ROWS.read_text("utf-8").splitlines()[: asked.questions]]
    questions = [next(said["content"] for said in row["messages"] if said["role"] == "user") for row in rows]
    sizes = {"context_length": 2048, "parameters": 0, "hidden_size": 0, "layers": 0}
    model = ModelRef(id="m", name="m", path=str(asked.model.resolve()), revision="0", **sizes)
    expected: list[Tokens] = []
    for way, spec in WAYS.items():
        said, same_at_once = answers(model, questions, asked.tokens, {"slots": 8, "context_length": 2048} | spec)
        expected = expected or said
        common = [shared(one, other) for one, other in zip(expected, said, strict=True)]
        apart = [abs(a[1] - b[1]) for one, other in zip(expected, said, strict=True) for a, b in same(one, other)]
        whole = sum(length == len(one) for length, one in zip(common, expected, strict=True))
        print(
            f"{way:24} same answers {whole} of {len(questions)}, on average {statistics.mean(common):.1f} tokens; "
            f"log-probabilities apart by {statistics.mean(apart):.4f}, at most {max(apart):.3f}; "
            f"eight at once like alone: {same_at_once}",
            flush=True,
        )


def same(one: Tokens, other: Tokens) -> list[tuple[tuple[str, float], tuple[str, float]]]:
    return list(zip(one, other, strict=False))[: shared(one, other)]


def shared(one: Tokens, other: Tokens) -> int:
    """Tokens before the first that differs."""
    pairs = list(zip(one, other, strict=False))
    return next((at for at, (a, b) in enumerate(pairs) if a[0] != b[0]), len(pairs))


if __name__ == "__main__":
    main()
