"""`python -m core.conversations.child`: reads exports and makes examples, so that the web process parses neither.

One JSON request on its standard input, progress and the result on its standard output (`core.datasets.child`).
"""

import os
import resource
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.conversations.making import Made, make
from core.conversations.options import ImportOptions
from core.conversations.reading import Progress, read_export
from core.conversations.store import Store
from core.datasets.child import Told, serve
from core.errors import BadInput

#: An export that wants more memory than this has been made for harm.
_ADDRESS_SPACE_BYTES = 4 << 30


def _work(request: Told, say: Any) -> Told:
    if request["do"] == "read" or request["into"]:
        os.nice(5)  # for a preview somebody waits
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    store = Path(request["store"])

    def read(progress: Progress) -> None:
        say({"done": progress.done, "total": progress.total, "found": progress.found})

    def made(so_far: Made) -> None:
        say({"made": asdict(so_far)})

    try:
        if request["do"] == "read":
            return asdict(read_export(Path(request["path"]), store, request["name"], read))
        into = Path(request["into"]) if request["into"] else None
        options = ImportOptions.model_validate(request["options"])
        return asdict(make(Store(store), request["numbers"], options, into, made))
    except MemoryError:
        raise BadInput("The export needs more memory than an import may take. Split it into parts.") from None


if __name__ == "__main__":
    serve(_work)
