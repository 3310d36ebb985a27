"""One door for commands: through the studio that serves the folder, or, where none does, directly under its lock."""

import contextlib

from core.datasets.intake import OnProgress
from core.errors import Conflict, Taken
from core.home import Home
from core.inbox import Answer, Inbox, Request
from core.opening import held
from core.studio import Studio

#: Another command may hold the folder for a moment without listening; so often the door is tried.
TRIES = 5


def act(home: Home, request: Request, on_progress: OnProgress = lambda _: None) -> Answer:
    """Raises StudioError where nobody could do it; what came of it otherwise stands in the answer.

    `on_progress` hears of an import in this process only, not of one in the studio that serves.
    """
    home.prepare()
    for _ in range(TRIES):
        with contextlib.suppress(Taken):
            return _directly(home, request, on_progress)
        answer = Inbox(home).ask(request)
        if answer is not None:
            return answer
    raise Conflict(f"The data folder {home.path} is taken and let go all the time; try again in a moment.")


def _directly(home: Home, request: Request, on_progress: OnProgress) -> Answer:
    with contextlib.ExitStack() as stack:
        stack.enter_context(held(home))
        studio = Studio(home)
        stack.callback(studio.close)
        studio.open(locked=True)
        answer = studio.clerk.execute(request, on_progress)
        if request.kind in ("cancel", "pause") and not answer.error:
            studio.clerk.ask_trainer(studio.runs.get(request.job_id))
        return answer
