"""An answer is found once for all who ask about the same, by a clock that is moved by hand."""

import threading

from core.remembered import Remembered


def test_the_same_question_is_answered_once_for_a_while() -> None:
    at, asked = [100.0], []

    def find() -> int:
        asked.append(at[0])
        return len(asked)

    remembered: Remembered[int] = Remembered(fresh_s=1.0, clock=lambda: at[0])
    assert [remembered.get("a", find), remembered.get("a", find)] == [1, 1]
    assert remembered.get("b", find) == 2
    assert remembered.get("a", find) == 3
    at[0] += 0.9
    assert remembered.get("a", find) == 3
    at[0] += 0.2
    assert remembered.get("a", find) == 4


def test_who_asks_meanwhile_waits_for_the_answer_that_is_being_found() -> None:
    remembered: Remembered[int] = Remembered(fresh_s=60)
    finding, may_end = threading.Event(), threading.Event()
    answers: list[int] = []

    def slow() -> int:
        finding.set()
        may_end.wait(10)
        return 1

    first = threading.Thread(target=lambda: answers.append(remembered.get("a", slow)))
    first.start()
    assert finding.wait(10)
    second = threading.Thread(target=lambda: answers.append(remembered.get("a", lambda: 2)))
    second.start()
    may_end.set()
    first.join(10)
    second.join(10)
    assert answers == [1, 1]
