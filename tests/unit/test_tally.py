"""What goes by is counted, and the client gets it as the worker wrote it, however it was cut."""

import json

import pytest

from api.tally import Tally
from core.serving.counters import Answered, Counter, quantile, speed_of

PARTS = [
    {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
    *({"choices": [{"delta": {"content": text}}]} for text in ("Because", " of: usage", " light.")),
    {"choices": [{"delta": {}, "finish_reason": "stop"}]},
]
SHOWN = b"".join(b"data: " + json.dumps(part).encode() + b"\n\n" for part in PARTS) + b"data: [DONE]\n\n"
TOLD = b': {"usage": {"prompt_tokens": 7, "completion_tokens": 5}}\n\n'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_the_workers_word_to_us_is_kept_and_nothing_else(size: int) -> None:
    tally, whole = Tally(is_streamed=True), SHOWN + TOLD
    shown = b"".join(tally.see(whole[at : at + size]) for at in range(0, len(whole), size))
    assert shown == SHOWN
    answered = tally.answered(failed=False)
    assert (answered.prompt_tokens, answered.completion_tokens) == (7, 5)
    assert answered.first_s is not None


def test_of_an_answer_that_broke_off_the_pieces_count() -> None:
    tally = Tally(is_streamed=True)
    tally.see(SHOWN[: len(SHOWN) // 2])
    assert 0 < tally.answered(failed=True).completion_tokens <= 3


def test_a_whole_answer_says_its_figures_at_its_end() -> None:
    tally = Tally(is_streamed=False)
    body = json.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}).encode()
    assert tally.see(body[:10]) + tally.see(body[10:]) == body
    answered = tally.answered(failed=False)
    assert (answered.prompt_tokens, answered.completion_tokens, answered.first_s) == (3, 4, None)


def test_a_counter_keeps_totals_and_what_was_lately() -> None:
    counter = Counter()
    for took_s in (1.0, 2.0, 10.0):
        counter.begin()
        counter.end(Answered(took_s=took_s, first_s=0.5, prompt_tokens=10, completion_tokens=11))
    counter.begin()
    counter.end(Answered(took_s=0.0, failed=True))
    counter.begin()
    figures = counter.figures()
    assert (figures.requests, figures.errors, figures.running) == (4, 1, 1)
    assert (figures.prompt_tokens, figures.completion_tokens) == (30, 33)
    assert (figures.latency_p50_s, figures.latency_p95_s, figures.first_p50_s) == (2.0, 10.0, 0.5)
    assert figures.tokens_per_s == pytest.approx(10 / 1.5)


def test_nothing_measured_is_nothing_said() -> None:
    assert quantile([], 0.5) is None
    assert speed_of(Answered(took_s=1.0)) is None
    assert Counter().figures().latency_p50_s is None
