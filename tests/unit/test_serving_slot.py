"""A slot's crashes: each start is put off longer, and in the end nobody tries by himself."""

import pytest

from core.errors import Unavailable
from core.serving.slot import LONGEST_WAIT_S, MOST_CRASHES, STEADY_S, Phase, Slot
from core.serving.targets import Base
from storage.spec import ModelRef


@pytest.fixture
def slot(model: ModelRef) -> Slot:
    return Slot(Base(model=model, engine="llama.cpp", device="cpu"))


def test_each_crash_puts_the_next_start_off_for_longer(slot: Slot) -> None:
    waits = []
    for number in range(1, 4):
        slot.begin()
        slot.crash("It ended by signal 9.", now=0.0)
        assert (slot.phase, slot.crashes) == (Phase.RESTING, number)
        waits.append(slot.retry_at)
    assert waits == [1.0, 2.0, 4.0]
    assert not slot.has_given_up


def test_after_many_crashes_in_a_row_it_waits_to_be_asked(slot: Slot) -> None:
    for _ in range(MOST_CRASHES):
        slot.begin()
        slot.crash("It ended by signal 9.", now=0.0)
    assert slot.has_given_up
    refusal = slot.refusal(now=1.0)
    assert refusal
    assert refusal.retry_after_s == LONGEST_WAIT_S - 1
    assert slot.refusal(now=LONGEST_WAIT_S) is None  # whoever asks then starts it


def test_who_has_served_for_long_begins_to_count_anew(slot: Slot, tmp_path: object) -> None:
    slot.begin()
    slot.crash("Once.", now=0.0)
    slot.begin()
    slot.become_ready(slot.base.model.path, now=0.0)  # type: ignore[arg-type]
    slot.crash("Long after.", now=STEADY_S + 1)
    assert slot.crashes == 1


def test_whoever_waits_hears_why_it_did_not_come(slot: Slot) -> None:
    slot.begin()
    waiting = slot.socket
    slot.crash("The weights are not readable.", now=0.0)
    with pytest.raises(Unavailable, match="not readable"):
        waiting.result(0)


def test_a_cold_start_is_waited_for_and_a_restart_is_not(slot: Slot) -> None:
    slot.begin()
    assert slot.refusal(now=0.0) is None
    slot.crash("It ended.", now=0.0)
    slot.begin()
    assert slot.refusal(now=5.0)
