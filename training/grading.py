"""The run's grader at work: scores sampled answers, waits for an endpoint that is away, and tells each fault once."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import httpx

from graders import score_model
from graders.allowance import asks_model, is_python_allowed, runs_python
from graders.score import GraderError, Score
from graders.scorer import Scorer
from storage.events import Warn
from storage.graders import Grader
from training.failures import EndpointAway, Unsupported
from training.workbench import Workbench

#: Seconds between two tries of an endpoint that does not answer; together about five minutes.
PAUSES_S = (1, 2, 4, 8, 15, 30, 60, 60, 60, 60)
#: What an endpoint may say for a while; everything else from 400 on will not change by itself.
PASSING = (408, 409, 425, 429, 500, 502, 503, 504, 529)
#: Answers that another model is asked about at the same time.
AT_ONCE = 8


class Grading:
    """Used as a context: a python grader has a process that must end. Raises Unsupported where it is not allowed."""

    def __init__(self, grader: Grader, bench: Workbench) -> None:
        self._bench = bench
        self._scorer = Scorer(grader, allow_python=is_python_allowed(), ask=PatientAsk(bench))
        # A python grader has one process; whoever only looks at texts needs no second thread.
        self._threads = AT_ONCE if asks_model(grader) and not runs_python(grader) else 1
        self._has_told = False

    def __enter__(self) -> "Grading":
        try:
            self._scorer.__enter__()
        except GraderError as error:
            raise Unsupported(str(error)) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._scorer.__exit__(kind, error, at)

    def scores(self, items: Sequence[dict[str, Any]], texts: Sequence[str]) -> list[Score]:
        """One for each text. Raises Unsupported where the grader could not score a single one of them."""
        with ThreadPoolExecutor(self._threads) as threads:
            found = list(threads.map(self._scorer.score, items, texts))
        faults = [score.error for score in found if score.error]
        if faults and len(faults) == len(found):
            raise Unsupported(
                f"The grader could not score any of the {len(found)} answers of a step: {faults[0]} "
                "Try it on some rows (tunesmith graders check) before the next run."
            )
        if faults and not self._has_told:
            self._has_told = True
            self._bench.emit(
                Warn(
                    code="grader_error",
                    message=f"The grader could not score an answer, which counts as 0: {faults[0]} The rollouts show "
                    "each answer with its error; this is told once.",
                )
            )
        return found


class PatientAsk:
    """Asks an endpoint again, with growing pauses. Raises EndpointAway where it stays silent or says no for good."""

    def __init__(
        self, bench: Workbench, ask: score_model.Ask = score_model.ask, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._bench = bench
        self._ask = ask
        self._sleep = sleep
        self._has_told = False

    def __call__(self, endpoint: str, request: dict[str, Any]) -> str:
        for pause in (*PAUSES_S, None):
            try:
                return self._ask(endpoint, request)
            except GraderError as error:
                if not isinstance(error.__cause__, httpx.HTTPError):
                    raise
                if pause is None or not is_passing(error.__cause__):
                    raise EndpointAway(
                        f"The grader's model {request['model']} cannot be asked: {error} "
                        "Look at its address and key, then resume the run."
                    ) from error
                self._tell(error)
                self._wait(pause)
        raise AssertionError("the last try raises")

    def _tell(self, error: GraderError) -> None:
        if not self._has_told:
            self._has_told = True
            message = f"The grader's endpoint is asked again and again for up to {sum(PAUSES_S) // 60} minutes: {error}"
            self._bench.emit(Warn(code="grader_away", message=message))

    def _wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self._bench.check_cancelled()
            self._sleep(1.0)


def is_passing(error: httpx.HTTPError) -> bool:
    """Whether it may go away by itself."""
    return not isinstance(error, httpx.HTTPStatusError) or error.response.status_code in PASSING
