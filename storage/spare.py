"""What the server and its spare trainer agree on. Standard library only."""

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path

from storage.process import FOLDER_VARIABLE, TOKEN_VARIABLE

#: In the spare's folder; the server listens.
SOCKET = "spare.sock"
#: In the attempt's folder: whoever creates it has started the attempt.
STARTED = "supervisor.log"
#: Room for what is known only when there is a job. No token and no folder look like this.
RESERVED = {TOKEN_VARIABLE: "-" * 128, FOLDER_VARIABLE: "-" * 1024}


def assume(values: Mapping[str, str]) -> None:
    """Write what others read in /proc/<pid>/environ: there our identity stands, and it was fixed at our start.

    The kernel shows the memory in which the environment was handed to us, so it is overwritten in place; each name has
    to be among RESERVED. Raises ValueError where the room is too small; then nothing has changed.
    """
    start = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[47])  # env_start, field 50
    block = Path("/proc/self/environ").read_bytes()
    places = []
    for name, value in values.items():
        head, new = f"{name}=".encode(), os.fsencode(value)
        at = 0 if block.startswith(head) else block.find(b"\0" + head) + 1
        room = block.find(b"\0", at) - at - len(head)
        if not block.startswith(head, at) or len(new) > room:
            raise ValueError(f"{name} has no room for {len(new)} bytes.")
        places.append((start + at + len(head), new + b"\0" * (room - len(new))))
    for address, content in places:
        ctypes.memmove(address, content, len(content))
    os.environ.update(values)
