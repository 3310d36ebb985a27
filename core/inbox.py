"""How another process asks the one that serves the folder: a request file in, an answer file back.

Exactly one process may write the index. `<name>.json` is a request, `<name>.taken` one that is being worked on, and
`<name>.answer.json` what came of it.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import watchfiles
from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import Conflict
from core.home import Home
from storage.files import read_json, write_json

#: How long a request may lie untouched before the command gives up and takes it back.
PATIENCE_S = 10.0
LOOK_EVERY_MS = 200

_ANSWER = ".answer.json"
Kind = Literal[
    "cancel", "pause", "resume", "retry", "delete", "submit", "hold", "release", "priority", "move",
    "pin", "unpin", "delete_checkpoint",
    "dataset-add", "dataset-fetch", "dataset-fix", "dataset-delete", "dataset-restore",
    "deployment-add", "deployment-switch", "deployment-start", "deployment-stop", "deployment-rm", "deployment-ls",
    "model-delete",
]  # fmt: skip


class Request(BaseModel):
    """What is asked, of which job, dataset or model, by whom.

    `file` and `fields` are for a submission and for what is done to datasets and deployments, `to` for where or which
    step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind
    job_id: str = ""
    dataset_id: str = ""
    model_id: str = ""
    actor_name: str
    actor_email: str
    file: Path | None = None
    fields: dict[str, Any] = {}
    to: str = ""


class Answer(BaseModel):
    """`error` is a sentence for the user; `wait` says that the same request may succeed in a moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    job_id: str = ""
    dataset_id: str = ""
    said: str = ""
    rows: tuple[dict[str, Any], ...] = ()
    error: str = ""
    wait: bool = False


class Inbox:
    def __init__(self, home: Home) -> None:
        self._home = home
        self.folder = home.inbox

    def ask(self, request: Request, patience_s: float = PATIENCE_S) -> Answer | None:
        """Wait for the answer. None where nobody serves the folder any more, and nothing was done.

        Raises Conflict where the studio does not answer. Once it has taken a request, it may take its time: a large
        dataset is checked row by row.
        """
        asked = self.folder / f"{uuid.uuid4().hex}.json"
        answer = asked.with_name(asked.stem + _ANSWER)
        write_json(asked, request.model_dump(mode="json"))
        until = time.monotonic() + patience_s
        while (said := read_json(answer)) is None:
            served = self._home.is_served()
            if (not served or time.monotonic() > until) and self._take_back(asked):
                if served:
                    raise Conflict(
                        f"The studio that serves {self._home.path} did not answer within {patience_s:.0f} s. Nothing "
                        "was changed; try it in its page."
                    )
                return None
            if not served and not asked.with_suffix(".taken").exists():
                continue  # answered a moment ago
            if not served:
                raise Conflict("The studio ended while it worked on this. See how far it came: tunesmith jobs ls.")
            self._wait()
        answer.unlink(missing_ok=True)
        return Answer.model_validate(said)

    def discard_old(self) -> None:
        """At start: whoever asked the last studio has given up by now."""
        for path in self.folder.iterdir():
            path.unlink(missing_ok=True)

    def serve(self, execute: Callable[[Request], Answer]) -> None:
        """Answer everything that lies here now, oldest first."""
        for asked in sorted(self._waiting(), key=_age):
            taken = asked.with_suffix(".taken")
            try:
                asked.rename(taken)
            except FileNotFoundError:
                continue  # taken back
            answer = Answer(error="Something went wrong in the studio while it did this; its log says what.")
            try:
                answer = _answer(taken, execute)
            finally:  # who asks waits until it is told
                write_json(asked.with_name(asked.stem + _ANSWER), answer.model_dump(mode="json"))
                taken.unlink()

    def _waiting(self) -> Iterator[Path]:
        return (path for path in self.folder.glob("*.json") if not path.name.endswith(_ANSWER) and path.name[0] != ".")

    def _take_back(self, asked: Path) -> bool:
        try:
            asked.unlink()
        except FileNotFoundError:
            return False
        return True

    def _wait(self) -> None:
        """Until something changes in the folder, or a moment has passed."""
        for _ in watchfiles.watch(
            self.folder, debounce=20, step=10, rust_timeout=LOOK_EVERY_MS, yield_on_timeout=True, recursive=False
        ):
            return


def _answer(taken: Path, execute: Callable[[Request], Answer]) -> Answer:
    try:
        request = Request.model_validate(read_json(taken))
    except ValidationError:
        return Answer(error="The studio does not understand this request; command and studio may differ in version.")
    return execute(request)


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:
        return 0, path.name
