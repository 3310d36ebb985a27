"""Opens old indexes that end in the middle: told to crash, every child is a fork that dies as in a power cut.

    python tests/migrating.py FOLDER REVISION [POINT]

Prints one JSON object a story: where it crashed, what the restarted one found. Forking spares an import for each.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import zoo

from core.backups import Backups
from core.errors import StudioError
from core.home import Home
from core.studio import Studio
from storage import snapshot
from storage.jobs import Query

CRASHED = 99
STATEMENT = "migrate: statement"


def main(folder: Path, revision: str) -> None:
    for point in ("migrate: backed up", "migrate: committed"):
        assert tell(folder, revision, point) == CRASHED, point
    number = 1
    while tell(folder, revision, f"{STATEMENT} {number}") == CRASHED:
        number += 1


def tell(folder: Path, revision: str, point: str) -> int:
    """Open the old index until it crashes, open it again, and say what is there. Returns how the first one ended."""
    home = Home(folder / point.replace(" ", "-"), ballast_bytes=0)
    zoo.restore(revision, home.path)
    code = in_child(lambda: opened(home, point))
    if code == CRASHED:
        in_child(lambda: report(home, point))
    shutil.rmtree(home.path)
    return code


def opened(home: Home, point: str) -> None:
    os.environ["TUNESMITH_CRASH_AT"] = point
    Studio(home).open()


def report(home: Home, point: str) -> None:
    before = snapshot.damage(home.database)
    studio = Studio(home)
    try:
        studio.open()
        found = studio.runs.search(Query(search="The one"))
        jobs = {job.id: job.status.value for job in found.rows}
    except StudioError as error:
        jobs = {"error": str(error)}
    backups = [backup.reason for backup in Backups(home).newest_first()]
    told = {"point": point, "damage": [before, snapshot.damage(home.database)], "jobs": jobs, "backups": backups}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def in_child(story: Callable[[], None]) -> int:
    """0 where it ran to its end."""
    pid = os.fork()
    if pid == 0:
        story()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
